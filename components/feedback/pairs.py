"""What rows say of pairs of answers: as Python objects portion by portion, as columns together.

An object takes many times the memory of its text. Rows on one prompt stay together, and nothing is ever compared
across prompts, so the portions change nothing about the result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from components.feedback.comparisons import Comparison, Row, compare_all
from components.feedback.frames import frame_of
from components.feedback.preferences import aggregate
from components.records import Preference

#: Rows that are objects at a time; more where there are more on one prompt.
PORTION = 20_000


@dataclass(frozen=True)
class Pairs:
    """Preferences, and how they came to be.

    Attributes:
        preferences: columns of `Preference`; prompts in the order in which they were first met.
        rows: that compare answers, by kind.
        comparisons: judgements of two answers, by kind.
        identical: comparisons of an answer with itself, by kind; no preference is made of them.
    """

    preferences: pl.DataFrame
    rows: Counter[str]
    comparisons: Counter[str]
    identical: Counter[str]


def pairs_of(rows: pl.DataFrame, judge_share: float, portion: int = PORTION) -> Pairs:
    """All pairs that the rows, in the order of their batches and lines, speak of."""
    comparing = rows.filter(pl.col("kind") != "demonstration")
    found = [_of_portion(part, judge_share) for part in portions(comparing, portion)]
    nothing = frame_of(Preference, [])
    return Pairs(
        preferences=pl.concat([nothing, *(part.preferences for part in found)]),
        rows=sum((part.rows for part in found), Counter()),
        comparisons=sum((part.comparisons for part in found), Counter()),
        identical=sum((part.identical for part in found), Counter()),
    )


def _of_portion(rows: Sequence[Row], judge_share: float) -> Pairs:
    compared = list(compare_all(rows))
    sound = [comparison for comparison in compared if comparison.first != comparison.second]
    return Pairs(
        preferences=frame_of(Preference, _by_prompt(aggregate(sound, judge_share), rows)),
        rows=_comparing(rows, compared),
        comparisons=Counter(comparison.kind for comparison in compared),
        identical=Counter(
            comparison.kind for comparison in compared if comparison.first == comparison.second
        ),
    )


def _by_prompt(preferences: list[Preference], rows: Sequence[Row]) -> list[Preference]:
    """In the order of the prompts, and so the same whatever else is in the portion."""
    places = {prompt: place for place, prompt in enumerate(dict.fromkeys(row["prompt"] for row in rows))}
    return sorted(preferences, key=lambda preference: places[preference.prompt])


def _comparing(rows: Sequence[Row], compared: Sequence[Comparison]) -> Counter[str]:
    """How many rows compare answers, by kind: alone, or a rating together with others on its prompt."""
    together = {(comparison.kind, comparison.prompt) for comparison in compared}
    return Counter(
        row["kind"]
        for row in rows
        if (
            len(set(row["ranks"])) > 1
            if row["kind"] == "ranking"
            else (row["kind"], row["prompt"]) in together
        )
    )


def portions(rows: pl.DataFrame, size: int) -> Iterator[list[Row]]:
    """Parts of about `size` rows; rows on one prompt are in one part, prompts as they were first met."""
    met = rows.with_row_index("place").with_columns(pl.col("place").min().over("prompt").alias("met"))
    ordered = met.sort("met", maintain_order=True).drop("place").with_row_index("place")
    starts = ordered.select(pl.col("place").min().over("met") // size).to_series()
    offset = 0
    for length in starts.rle().struct.field("len"):
        yield ordered.slice(offset, length).drop("place", "met").rows(named=True)  # type: ignore[misc]
        offset += length
