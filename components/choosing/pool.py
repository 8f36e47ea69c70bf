"""The pairs to choose from: answers to each prompt, by two models or by one, two and two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product


@dataclass(frozen=True)
class AnswerPair:
    """Two different answers to one prompt."""

    prompt: str
    first: str
    second: str


def pairs_of(prompt: str, by_model: Sequence[Sequence[str]]) -> Iterator[AnswerPair]:
    """Each answer of one model with each of the other; of one model alone, each with each. Equal ones make no pair.

    Args:
        by_model: the answers of one model or of two.
    """
    distinct = [list(dict.fromkeys(answer for answer in answers if answer.strip())) for answers in by_model]
    couples = combinations(distinct[0], 2) if len(distinct) == 1 else product(*distinct)
    yield from (AnswerPair(prompt, first, second) for first, second in couples if first != second)
