"""What each token of an answer did: how far the policy likes it better, and what the reward model thought after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.attention import reads_packed_rows
from components.modeling.detokenizing import Detokenizer
from components.objectives.ensembles import pessimistic_mean
from components.training.divergence import log_ratios
from components.training.encoding import Encoded, encode_pairs
from components.training.forward import in_parts, state_values
from components.training.scoring import Member, Scorer


@dataclass(frozen=True)
class TokenFigures:
    """The figures of one answer of T tokens.

    Attributes:
        kl: [T] log policy - log reference, in nats.
        running: [T + 1] the reward model's normalised score of the answer so far, from before the first token on;
            None where the reward model reads other tokens.
    """

    kl: list[float]
    running: list[float] | None

    @property
    def rewards(self) -> list[float] | None:
        """[T] how far each token moved the running score."""
        if self.running is None:
            return None
        return [after - before for before, after in zip(self.running[:-1], self.running[1:], strict=True)]


@torch.no_grad()
def token_log_ratios(
    policy: PreTrainedModel, reference: PreTrainedModel, rows: Sequence[Encoded], temperature: float
) -> list[list[float]]:
    """Per response, log policy - log reference of each of its tokens, in nats, at the temperature of sampling."""

    def measure(part: list[Encoded]) -> Sequence[Tensor]:
        ratios = log_ratios(policy, reference, part, temperature)
        return ratios.split_with_sizes([len(row.response) for row in part])

    return [ratios.tolist() for ratios in in_parts(rows, measure)]


@torch.no_grad()
def running_scores(member: Member, rows: Sequence[Encoded]) -> list[list[float]]:
    """Per response of T tokens, the T + 1 normalised scores of a text that ends before, or after, each of them."""

    def measure(part: list[Encoded]) -> Sequence[Tensor]:
        return state_values(member.model, part).split_with_sizes([len(row.response) + 1 for row in part])

    return [[member.scale.normalise(raw) for raw in raws.tolist()] for raws in in_parts(rows, measure)]


def scorer_running(
    scorer: Scorer, rows: Sequence[Encoded], prompts: Sequence[str], replies: Sequence[str]
) -> list[list[float] | None]:
    """Running scores of the rows, of an ensemble its own mean; None for a row that a reward model reads otherwise.

    Args:
        rows: the tokens that the policy read and wrote; prompts, replies: their texts.
    """
    alike = _read_alike(scorer, rows, prompts, replies)
    kept = [row for row, same in zip(rows, alike, strict=True) if same]
    by_member = [running_scores(member, kept) for member in scorer.members] if kept else []
    found = iter([_together(scores, scorer.penalty) for scores in zip(*by_member, strict=True)])
    return [next(found) if same else None for same in alike]


def token_figures(
    policy: PreTrainedModel,
    reference: PreTrainedModel,
    scorer: Scorer,
    rows: Sequence[Encoded],
    texts: tuple[Sequence[str], Sequence[str]],
    temperature: float,
) -> list[TokenFigures]:
    """The figures of each row. Args: texts: prompts and replies as the reward model gets them."""
    ratios = token_log_ratios(policy, reference, rows, temperature)
    return list(map(TokenFigures, ratios, scorer_running(scorer, rows, *texts)))


def pieces(tokenizer: Any, tokens: Sequence[int]) -> list[str]:
    """The part of the text that each token adds, special tokens none. A character spelled by several is the last's."""
    reader = Detokenizer(tokenizer)
    found = [reader.add(token) for token in tokens]
    if found:
        found[-1] += reader.rest()
    return found


def _read_alike(
    scorer: Scorer, rows: Sequence[Encoded], prompts: Sequence[str], replies: Sequence[str]
) -> list[bool]:
    """Whether every reward model reads exactly these tokens when it gets the texts, and scores each beginning."""
    alike = [True] * len(rows)
    for member in scorer.members:
        if not reads_packed_rows(member.model):
            return [False] * len(rows)
        theirs = encode_pairs(member.tokenizer, member.text_format, prompts, replies)
        alike = [same and a == b for same, a, b in zip(alike, rows, theirs, strict=True)]
    return alike


def _together(scores: Sequence[Sequence[float]], penalty: float) -> list[float]:
    """[T + 1] of a row's running scores [K, T + 1], a row a member."""
    if len(scores) == 1:
        return list(scores[0])
    return pessimistic_mean(torch.tensor(scores, dtype=torch.float64), penalty).tolist()
