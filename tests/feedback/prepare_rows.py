"""Accepted rows for tests of `prepare`, by the canonical columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

import polars as pl

from components.config import PrepareParams
from components.feedback import prepared, schema
from components.feedback.splits import SPLITS
from components.records import Demonstration, Opinion, Preference, Prompt, Rating

RECORDS = {"demonstrations": Demonstration, "preferences": Preference, "ratings": Rating, "prompts": Prompt}

PARAMS = PrepareParams(
    validation_share=0.1,
    test_share=0.2,
    judge_share=0.4,
    chosen_as_demonstrations="never",
    min_demonstrations=0,
    votes="mean",
    automatic_share=0.2,
)


def row(kind: str, prompt: str, responses: Sequence[str], **fields: Any) -> dict[str, Any]:
    empty = {"ranks": None, "scale_min": None, "scale_max": None, "strength": None}
    origin = {"source": "test", "batch": "batch-1", "annotator": None, "votes": [], "automatic": False}
    return {"kind": kind, "prompt": prompt, "responses": list(responses)} | empty | origin | fields


def votes(*labels: float, by: Sequence[str | None] = ()) -> list[dict[str, Any]]:
    """A vote for each label, each by another person unless `by` names them."""
    names = by or [f"person {number}" for number in range(len(labels))]
    return [
        {"annotator": name, "label": float(label), "at": None}
        for name, label in zip(names, labels, strict=True)
    ]


def pair(prompt: str, first: str, second: str, *labels: float, **fields: Any) -> dict[str, Any]:
    return row("pairwise", prompt, (first, second), votes=votes(*labels), **fields)


def rating(prompt: str, response: str, given: float, by: str | None, best: float = 5) -> dict[str, Any]:
    return row(
        "rating", prompt, (response,), votes=votes(given, by=[by]), scale_min=1.0, scale_max=float(best)
    )


def thumb(prompt: str, response: str, up: float, by: str | None = None) -> dict[str, Any]:
    return row("thumbs", prompt, (response,), votes=votes(up, by=[by]))


def demonstration(prompt: str, response: str) -> dict[str, Any]:
    return row("demonstration", prompt, (response,))


def enough(count: int = 60) -> list[dict[str, Any]]:
    """A demonstration and a pair on each of `count` prompts: something for every split and role."""
    prompts = [f"Question {number}?" for number in range(count)]
    return [
        made
        for prompt in prompts
        for made in (demonstration(prompt, "Written."), pair(prompt, "Good.", "Bad.", 1))
    ]


def frame(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """Rows as the stage reads them."""
    types = {"batch": pl.String(), **schema.COLUMNS}
    return pl.DataFrame(list(rows), schema={name: types[name] for name in prepared.COLUMNS})


def prepare(rows: Iterable[dict[str, Any]], params: PrepareParams = PARAMS) -> prepared.Prepared:
    return prepared.prepare(frame(rows), params)


def records(made: prepared.Prepared, name: str, *splits: str) -> list[Any]:
    """The records of a table; of some splits, or of all, the splits one after the other."""
    table: pl.DataFrame = getattr(made, name)
    columns = [column.name for column in fields(RECORDS[name])]
    return [
        _record(name, row)
        for split in splits or SPLITS
        for row in table.filter(pl.col("split") == split).select(columns).iter_rows(named=True)
    ]


def _record(name: str, row: dict[str, Any]) -> Any:
    if "opinions" in row:
        row["opinions"] = tuple(Opinion(**opinion) for opinion in row["opinions"])
    return RECORDS[name](**row)
