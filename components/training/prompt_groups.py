"""Everything that was said of the answers to one prompt, kept together.

All pairs of a ranking go into one minibatch: spread over an epoch, each answer would be trained on as often as it has
rivals, and the reward model overfits (Ouyang 2022, section 3.5). It is also faster: an answer is encoded once a
minibatch, however many pairs it is in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from components.training.batching import group_batches
from components.training.encoding import Encoded

if TYPE_CHECKING:
    from components.config import RewardParams


class Judgement(Protocol):
    """Something that was said of one or more answers to a prompt."""

    @property
    def answers(self) -> tuple[Encoded, ...]: ...


class AnswerTable:
    """The different answers that some judgements speak of, each once."""

    def __init__(self, judgements: Iterable[Judgement] = ()) -> None:
        self.rows: list[Encoded] = []
        self.tokens = 0
        self._places: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
        for judgement in judgements:
            self.add(judgement)

    def add(self, judgement: Judgement) -> None:
        for answer in judgement.answers:
            if self._places.setdefault(_key(answer), len(self.rows)) == len(self.rows):
                self.rows.append(answer)
                self.tokens += len(answer)

    def place(self, answer: Encoded) -> int:
        """Where the answer stands in `rows`."""
        return self._places[_key(answer)]

    def tokens_with(self, judgement: Judgement) -> int:
        """How many tokens there would be if the judgement were added."""
        return self.tokens + sum(len(row) for row in judgement.answers if _key(row) not in self._places)


@dataclass(frozen=True)
class Lessons:
    """What is learned in which order.

    Attributes:
        units: places of judgements that go through the model together; tokens: of the different answers of each.
        plan: the units of each optimizer step.
    """

    units: list[list[int]]
    tokens: list[int]
    plan: list[list[int]]


def plan_lessons(
    judgements: Sequence[Judgement], params: RewardParams, seed: int, most_tokens: int
) -> Lessons:
    """Minibatches of about `params.batch_size` judgements, those on one prompt in the same; one seed, one plan.

    What does not fit through the model at once goes in several units, still in one minibatch.
    """
    units: list[list[int]] = []
    units_of = []
    groups = _by_prompt(judgements, params.batch_size)
    for group in groups:
        split = _split(group, judgements, most_tokens)
        units_of.append(range(len(units), len(units) + len(split)))
        units.extend(split)
    tables = [AnswerTable(judgements[i] for i in unit) for unit in units]
    batches = _batches(groups, judgements, params, seed)
    plan = [[unit for group in batch for unit in units_of[group]] for batch in batches]
    return Lessons(units, [table.tokens for table in tables], plan)


def count_lessons(judgements: Sequence[Judgement], params: RewardParams, seed: int) -> int:
    """How many optimizer steps the judgements make; it hangs on the order that the seed gives."""
    return len(_batches(_by_prompt(judgements, params.batch_size), judgements, params, seed))


def _by_prompt(judgements: Sequence[Judgement], batch_size: int) -> list[list[int]]:
    """Places of judgements, those on one prompt together, in the order in which the prompts were met.

    A prompt with more judgements than a minibatch holds is no ranking but a crowd's work: kept together, a few such
    prompts would make an epoch of a few steps. It is dealt in parts of a quarter of a minibatch.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, judgement in enumerate(judgements):
        groups.setdefault(tuple(judgement.answers[0].prompt), []).append(place)
    part = max(1, batch_size // 4)
    return [
        group[start : start + size]
        for group in groups.values()
        for size in [len(group) if len(group) <= batch_size else part]
        for start in range(0, len(group), size)
    ]


def _batches(
    groups: Sequence[list[int]], judgements: Sequence[Judgement], params: RewardParams, seed: int
) -> list[list[int]]:
    """The groups of each optimizer step of all epochs."""
    tables = [AnswerTable(judgements[i] for i in group) for group in groups]
    lengths = [table.tokens / len(table.rows) for table in tables]
    sizes = [len(group) for group in groups]
    generator = torch.Generator().manual_seed(seed)
    epochs = [group_batches(lengths, sizes, params.batch_size, generator) for _ in range(params.epochs)]
    return [batch for epoch in epochs for batch in epoch]


def _split(group: list[int], judgements: Sequence[Judgement], most_tokens: int) -> list[list[int]]:
    """Consecutive parts whose different answers have at most `most_tokens` tokens, or that are one judgement."""
    parts: list[list[int]] = [[]]
    table = AnswerTable()
    for place in group:
        if parts[-1] and table.tokens_with(judgements[place]) > most_tokens:
            parts.append([])
            table = AnswerTable()
        parts[-1].append(place)
        table.add(judgements[place])
    return parts


def _key(answer: Encoded) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(answer.prompt), tuple(answer.response)
