"""Accepted feedback as training data: demonstrations, preferences, ratings and prompts, split by prompt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeVar

from components.config import PrepareParams
from components.errors import DataError
from components.feedback.comparisons import Comparison, Row, compare_all, scaled
from components.feedback.preferences import aggregate
from components.feedback.splits import SPLITS, Split, normalise_prompt, role_of, split_of
from components.records import Demonstration, Preference, Prompt, Rating

Record = TypeVar("Record", Demonstration, Preference, Rating, Prompt)

#: Levels of a scale that has more, or fractions.
MOST_LEVELS = 11


@dataclass(frozen=True)
class Prepared:
    """The training data by split, in the order in which it was met, and how it came to be.

    Attributes:
        read: accepted rows by kind.
        comparisons: judgements of two answers that the rows held, by kind.
        dropped: rows and judgements left out, by reason.
        chosen_as_demonstrations: preferred answers that stand in for demonstrations.
    """

    demonstrations: dict[Split, list[Demonstration]]
    preferences: dict[Split, list[Preference]]
    ratings: dict[Split, list[Rating]]
    prompts: dict[Split, list[Prompt]]
    read: dict[str, int]
    comparisons: dict[str, int]
    dropped: dict[str, int]
    chosen_as_demonstrations: int


def prepare(rows: Sequence[Row], params: PrepareParams) -> Prepared:
    """Turn accepted rows, in the order of their batches and lines, into training data.

    Raises:
        DataError: there is no preference at all, or none where a stage needs some.
    """
    compared = list(compare_all(rows))
    sound = [comparison for comparison in compared if comparison.first != comparison.second]
    preferences = aggregate(sound, params.judge_share)
    written = _unique(_written_demonstrations(rows))
    chosen = _chosen_demonstrations(preferences, written) if _wants_chosen(written, params) else []
    prepared = Prepared(
        demonstrations=_split([*written, *chosen], params),
        preferences=_split(preferences, params),
        ratings=_split(_ratings(rows, params.judge_share), params),
        prompts=_split(_prompts(rows), params),
        read=_count(row["kind"] for row in rows),
        comparisons=_count(comparison.kind for comparison in sound),
        dropped=_dropped(rows, compared, sound, written),
        chosen_as_demonstrations=len(chosen),
    )
    _refuse_unusable(prepared)
    return prepared


def _written_demonstrations(rows: Iterable[Row]) -> list[Demonstration]:
    """What people wrote, and what they made of an answer they mended."""
    return [
        Demonstration(row["prompt"], row["responses"][-1], row["source"], row["batch"])
        for row in rows
        if row["kind"] in ("demonstration", "edit")
    ]


def _unique(demonstrations: Iterable[Demonstration]) -> list[Demonstration]:
    """The first of those with the same prompt and response."""
    found: dict[tuple[str, str], Demonstration] = {}
    for demonstration in demonstrations:
        found.setdefault((demonstration.prompt, demonstration.response), demonstration)
    return list(found.values())


def _wants_chosen(written: Sequence[Demonstration], params: PrepareParams) -> bool:
    if params.chosen_as_demonstrations == "auto":
        return len(written) < params.min_demonstrations
    return params.chosen_as_demonstrations == "always"


def _chosen_demonstrations(
    preferences: Iterable[Preference], written: Sequence[Demonstration]
) -> list[Demonstration]:
    """Answers that people preferred, ties left out, each in the split of its prompt.

    The judge's preferences give none: what taught the judge must not teach the policy it will judge.
    """
    chosen = [
        Demonstration(item.prompt, item.chosen, item.source, item.batch)
        for item in preferences
        if item.probability > 0.5 and item.role == "reward"
    ]
    return _unique([*written, *chosen])[len(written) :]


def _ratings(rows: Iterable[Row], judge_share: float) -> list[Rating]:
    """Each row of stars or thumbs with the mean of its votes."""
    return [
        Rating(
            prompt=row["prompt"],
            response=row["responses"][0],
            rating=_mean_rating(row),
            source=row["source"],
            batch=row["batch"],
            kind=row["kind"],
            levels=_levels(row),
            role=role_of(row["prompt"], judge_share),
        )
        for row in rows
        if row["kind"] in ("rating", "thumbs")
    ]


def _mean_rating(row: Row) -> float:
    return fmean(scaled(row, vote["label"]) for vote in row["votes"])


def _levels(row: Row) -> int:
    """Two of a thumb, five of a scale from 1 to 5; a fine or fractional scale is read in tenths."""
    if row["kind"] == "thumbs":
        return 2
    span = float(row["scale_max"] - row["scale_min"])
    return int(span) + 1 if span.is_integer() and span < MOST_LEVELS else MOST_LEVELS


def _prompts(rows: Iterable[Row]) -> list[Prompt]:
    """The prompts of all kinds of rows; of prompts that differ in case or spaces alone, the first."""
    found: dict[str, Prompt] = {}
    for row in rows:
        found.setdefault(normalise_prompt(row["prompt"]), Prompt(row["prompt"], row["source"]))
    return list(found.values())


def _split(records: Iterable[Record], params: PrepareParams) -> dict[Split, list[Record]]:
    table: dict[Split, list[Record]] = {split: [] for split in SPLITS}
    for record in records:
        table[split_of(record.prompt, params.validation_share, params.test_share)].append(record)
    return table


def _count(kinds: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(kinds).items()))


def _dropped(
    rows: Sequence[Row],
    compared: Sequence[Comparison],
    sound: Sequence[Comparison],
    written: Sequence[Demonstration],
) -> dict[str, int]:
    """What was left out of demonstrations and preferences, and why.

    A rating that stands alone is not counted: the stars are made of it. A thumb that stands alone is: it teaches
    something only where `thumbs_weight` in params.yaml says so.
    """
    useful = {(comparison.kind, comparison.prompt) for comparison in compared}
    comparing = [row for row in rows if row["kind"] in ("pairwise", "ranking", "thumbs")]
    reasons = {
        "repeated demonstration": len(_written_demonstrations(rows)) - len(written),
        "identical answers": len(compared) - len(sound),
        "nothing to compare": sum((row["kind"], row["prompt"]) not in useful for row in comparing),
    }
    return {reason: count for reason, count in reasons.items() if count}


def _refuse_unusable(prepared: Prepared) -> None:
    if not any(prepared.preferences.values()):
        raise DataError(
            "the accepted feedback holds no comparison of two answers",
            "ingest pairwise judgements, rankings, edits, or ratings of several answers to one prompt",
        )
    missing = [name for name, is_there in _needs(prepared).items() if not is_there]
    if missing:
        raise DataError(
            f"too little feedback: there are no {', no '.join(missing)}",
            "ingest feedback on more prompts, or change the shares under prepare in params.yaml",
        )


def _needs(prepared: Prepared) -> dict[str, bool]:
    """What the later stages can't do without, and whether it is there."""
    roles = {preference.role for preference in prepared.preferences["train"]}
    return {
        "demonstrations to train on": bool(prepared.demonstrations["train"]),
        "preferences to train the reward model on": "reward" in roles,
        "preferences to train the judge on": "judge" in roles,
        "preferences to test on": bool(prepared.preferences["test"]),
    }
