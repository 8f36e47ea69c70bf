"""A made-up batch, realistic in its numbers, for the tests that look at its page."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import polars as pl
from prepare_rows import demonstration, rating, row, thumb, votes

from components.feedback.manifest import Manifest
from components.feedback.report.numbers import batch_numbers
from components.feedback.report.page import batch_page
from components.feedback.report.people import people_of
from components.feedback.schema import COLUMNS

PEOPLE = [f"worker {number}" for number in range(8)]


def canonical(rows: Iterable[dict[str, Any]]) -> pl.LazyFrame:
    """Rows by the canonical schema."""
    filled = [
        {
            "row_id": str(line), "line": line, "meta": "{}", "digest": f"{line:064x}", "tags": [], "language": None,
            "automatic": False,
            **found,
        }
        for line, found in enumerate(rows, 1)
    ]  # fmt: skip
    return pl.DataFrame(
        [{name: found.get(name) for name in COLUMNS} for found in filled], schema=COLUMNS
    ).lazy()


def batch_rows(count: int = 200, people: Sequence[str] = PEOPLE) -> list[dict[str, Any]]:
    """Pairs by three of eight people each, the last of whom guesses; ratings, thumbs and a demonstration."""
    chance = random.Random(11)
    made: list[dict[str, Any]] = []
    for number in range(count):
        longer = "A fine answer, " + "with reasons, " * chance.randint(1, 12)
        judges = chance.sample(list(people), 3)
        labels = [
            float(chance.random() < (0.5 if judge == people[-1] else 0.85)) if chance.random() > 0.05 else 0.5
            for judge in judges
        ]
        answers = (longer, "A short one.")
        made.append(
            row("pairwise", f"Question {number}?", answers, votes=votes(*labels, by=judges), language="en")
        )
    made += [
        rating(f"Question {n}?", "A fine answer.", chance.randint(1, 5), people[n % 5]) for n in range(40)
    ]
    made += [thumb(f"Question {n}?", "A fine answer.", n % 3 > 0, people[n % 5]) for n in range(30)]
    made[3]["tags"] = ["HTML"]
    made[4]["tags"] = ["ZW", "FORMULA"]
    return [*made, demonstration("Write one.", "Here it is.")]


def manifest(**changes: Any) -> Manifest:
    content: dict[str, Any] = {
        "batch": "week-7-0a1b2c3d", "file": "week-7.jsonl", "sha256": "0a1b2c3d" * 8, "format": "pairwise",
        "status": "accepted", "read": 300, "accepted": 271, "quarantined": 20, "duplicates": 9,
        "reasons": {"IDENTICAL": 12, "TZ": 6, "BIDI": 2}, "created_at": "2026-03-02T08:00:00+00:00",
        "tags": {"HTML": 1, "ZW": 1, "FORMULA": 1},
    }  # fmt: skip
    return Manifest(**content | changes)


def quality(people: Sequence[str] = PEOPLE, **changes: Any) -> dict[str, Any]:
    """As quality.json holds it, as far as the page reads it."""
    couples = [
        {"annotators": [first, second], "items": 30, "kappa": round(0.2 + 0.05 * place, 2)}
        for place, (first, second) in enumerate(pairwise(people))
    ]
    guesser = {"annotator": people[-1], "gold": 24, "gold_right": 0.5, "seconds": 2.1}
    finding = {
        "code": "SPAM",
        "action": "hold",
        "message": f"{people[-1]!a} answers like a spammer: right on 50.0% of 24 gold questions",
        "remedy": "look at what the annotator answered; refuse the batch, or withdraw that person's rows",
        "figures": guesser,
    }
    content = {
        "figures": {"agreement": {"pairwise": {"kappa": couples}}, "annotators": [guesser]},
        "findings": [finding],
    }
    return content | changes


def refused(reason: str = "IDENTICAL", raw: str = '{"prompt": "P"}', **changes: Any) -> dict[str, Any]:
    """A line of rows.jsonl."""
    message = "week-7.jsonl line 5: response_b: is the same as response_a; drop the row"
    return {"line": 5, "reason": reason, "field": "response_b", "message": message, "raw": raw} | changes


def numbers_of(found: Manifest, said: Mapping[str, Any], rows: pl.LazyFrame) -> dict[str, Any]:
    """The numbers of a batch, and of the people who judged it."""
    return batch_numbers(found, said, rows, people_of(rows))


def page_of(
    found: Manifest, said: Mapping[str, Any], rows: pl.LazyFrame, quarantine: Iterable[Mapping[str, Any]]
) -> str:
    """The page of a batch."""
    return batch_page(numbers_of(found, said, rows), people_of(rows)["annotator"], rows, quarantine)
