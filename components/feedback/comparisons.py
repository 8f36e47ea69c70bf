"""Every kind of feedback as comparisons of two answers to one prompt.

Kinds that speak of several answers to a prompt (rankings, ratings, thumbs) give a comparison for each two of
the n answers, with weight 2 / n: together they count as much as n - 1 pairs that were judged one by one, so
that a prompt with many answers doesn't drown the others. Of more than MEETINGS + 1 answers each meets MEETINGS
others, so that work and memory grow with n and not with its square; the weights still add up to n - 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import fmean
from typing import Any

from components.files import sha256_bytes
from components.records import Opinion

#: With how many others an answer is compared at most, where people spoke of several answers.
MEETINGS = 16

#: One accepted record, by the canonical columns of components/feedback/schema.py, and its `batch`.
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Comparison:
    """One judgement of two answers.

    Attributes:
        opinion: what it says of `first`.
    """

    prompt: str
    first: str
    second: str
    opinion: Opinion
    source: str
    batch: str

    @property
    def kind(self) -> str:
        return self.opinion.kind

    @property
    def label(self) -> float:
        """1.0 if `first` is better, 0.0 if `second` is, 0.5 for a tie; between for a weak preference."""
        return self.opinion.label

    @property
    def weight(self) -> float:
        return self.opinion.weight


def compare_all(rows: Iterable[Row]) -> Iterator[Comparison]:
    """All comparisons that the rows hold; demonstrations hold none."""
    by_kind: dict[str, list[Row]] = {}
    for row in rows:
        by_kind.setdefault(row["kind"], []).append(row)
    yield from (found for row in by_kind.get("pairwise", ()) for found in from_votes(row))
    yield from (found for row in by_kind.get("ranking", ()) for found in from_ranking(row))
    yield from (found for row in by_kind.get("edit", ()) for found in from_edit(row))
    yield from from_ratings(by_kind.get("rating", ()))
    yield from from_thumbs(by_kind.get("thumbs", ()))


def from_votes(row: Row) -> Iterator[Comparison]:
    """One comparison a vote; the row's strength is each vote's."""
    first, second = row["responses"]
    for vote in row["votes"]:
        opinion = Opinion("pairwise", vote["label"], 1.0, vote["annotator"], row["strength"])
        yield _comparison(row, first, second, opinion)


def from_ranking(row: Row) -> Iterator[Comparison]:
    """Each two answers of different rank; equal ranks say nothing."""
    responses, ranks = row["responses"], row["ranks"]
    for first, second, weight in _meetings(responses):
        if ranks[first] != ranks[second]:
            vote = float(ranks[first] < ranks[second])
            opinion = Opinion("ranking", vote, weight, row["annotator"])
            yield _comparison(row, responses[first], responses[second], opinion)


def from_edit(row: Row) -> Iterator[Comparison]:
    """The mended answer is better than the one it was made from."""
    original, edited = row["responses"]
    yield _comparison(row, edited, original, Opinion("edit", 1.0, 1.0, row["annotator"]))


def from_ratings(rows: Iterable[Row]) -> Iterator[Comparison]:
    """Each two answers to a prompt that one person rated differently, one comparison a person.

    Two answers that nobody rated both of are compared by their mean ratings.
    """
    for answers in _answers_by_prompt(rows):
        for first, second, weight in _pairs(answers):
            for name, vote in _votes(first, second):
                opinion = Opinion("rating", vote, weight, name)
                yield _comparison(first.row, first.text, second.text, opinion)


def from_thumbs(rows: Iterable[Row]) -> Iterator[Comparison]:
    """An answer that most thumbs are up for is better than one that most are down for."""
    for answers in _answers_by_prompt(rows):
        for first, second, weight in _pairs(answers):
            leanings = first.mean - 0.5, second.mean - 0.5
            if leanings[0] * leanings[1] < 0:
                opinion = Opinion("thumbs", float(leanings[0] > 0), weight)
                yield _comparison(first.row, first.text, second.text, opinion)


def scaled(row: Row, label: float) -> float:
    """A rating as a number in [0, 1], 1 the best of its scale; a thumb is 1 or 0 already."""
    if row["kind"] == "thumbs":
        return label
    low, high = row["scale_min"], row["scale_max"]
    return float((label - low) / (high - low))


@dataclass
class _Answer:
    """An answer and what each person gave it, in [0, 1]; nameless people are one more entry, None."""

    text: str
    row: Row
    given: dict[str | None, list[float]] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        return fmean(value for values in self.given.values() for value in values)


def _answers_by_prompt(rows: Iterable[Row]) -> Iterable[Sequence[_Answer]]:
    prompts: dict[str, dict[str, _Answer]] = {}
    for row in rows:
        text = row["responses"][0]
        answer = prompts.setdefault(row["prompt"], {}).setdefault(text, _Answer(text, row))
        for vote in row["votes"]:
            answer.given.setdefault(vote["annotator"], []).append(scaled(row, vote["label"]))
    return [list(answers.values()) for answers in prompts.values()]


def _votes(first: _Answer, second: _Answer) -> list[tuple[str | None, float]]:
    """Who of those that rated both prefers which; nobody by name where nobody did."""
    shared = [name for name in first.given if name is not None and name in second.given]
    margins: list[tuple[str | None, float]] = [
        (name, fmean(first.given[name]) - fmean(second.given[name])) for name in shared
    ]
    if not shared:
        margins = [(None, first.mean - second.mean)]
    return [(name, float(margin > 0)) for name, margin in margins if margin != 0]


def _pairs(answers: Sequence[_Answer]) -> Iterator[tuple[_Answer, _Answer, float]]:
    for first, second, weight in _meetings([answer.text for answer in answers]):
        yield answers[first], answers[second], weight


def _meetings(texts: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Which texts are compared, by their indices, and with what weight."""
    pairs = _everyone(len(texts)) if len(texts) <= MEETINGS + 1 else _neighbours(texts)
    for first, second in pairs:
        yield first, second, (len(texts) - 1) / len(pairs)


def _everyone(count: int) -> list[tuple[int, int]]:
    return list(combinations(range(count), 2))


def _neighbours(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Each with those near it in a circle, half of MEETINGS on either side.

    The circle is in the order of the texts' SHA-256: chance, but the same on every run.
    """
    circle = sorted(range(len(texts)), key=lambda index: (sha256_bytes(texts[index].encode()), index))
    steps = range(1, MEETINGS // 2 + 1)
    return [
        (circle[place], circle[(place + step) % len(circle)])
        for place in range(len(circle))
        for step in steps
    ]


def _comparison(row: Row, first: str, second: str, opinion: Opinion) -> Comparison:
    return Comparison(row["prompt"], first, second, opinion, row["source"], row["batch"])
