"""Rows of the canonical schema for tests of whole batches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from components.config.feedback import FeedbackParams, HoldParams
from components.feedback.quality.assess import assess
from components.feedback.quality.findings import Quality
from components.feedback.schema import COLUMNS

Row = dict[str, Any]


def votes(*given: tuple[str | None, float]) -> list[dict[str, Any]]:
    return [{"annotator": name, "label": label, "at": None} for name, label in given]


def pair(
    number: int, *given: tuple[str | None, float], first: str = "", second: str = "", **columns: Any
) -> Row:
    """A pair about a prompt of its own; its two answers have the same length."""
    return {
        "kind": "pairwise",
        "prompt": f"Question {number}?",
        "responses": [first or f"a{number}.", second or f"b{number}."],
        "votes": votes(*given),
        **columns,
    }


def thumb(number: int, *given: tuple[str | None, float]) -> Row:
    return {
        "kind": "thumbs",
        "prompt": "Say something.",
        "responses": [f"Something {number}."],
        "votes": votes(*given),
    }


def rating(number: int, *given: tuple[str | None, float], scale: tuple[float, float] = (1.0, 5.0)) -> Row:
    lowest, highest = scale
    return {**thumb(number, *given), "kind": "rating", "scale_min": lowest, "scale_max": highest}


def table(rows: Sequence[Row]) -> pl.LazyFrame:
    return pl.DataFrame([_filled(number, row) for number, row in enumerate(rows)], schema=COLUMNS).lazy()


def assessed(rows: Sequence[Row], past: Sequence[Row] = (), **hold: Any) -> Quality:
    """A batch's quality; its figures are plain JSON."""
    quality = assess(table(rows), table(past), FeedbackParams(hold=HoldParams(**hold)))
    json.dumps(quality.to_json(), allow_nan=False)
    return quality


def codes(quality: Quality) -> list[str]:
    return [str(found.code) for found in quality.findings]


def _filled(number: int, row: Row) -> Row:
    own = {
        "row_id": f"r{number}",
        "line": number + 1,
        "source": "test",
        "tags": [],
        "meta": "{}",
        "automatic": False,
    }
    return dict.fromkeys(COLUMNS) | own | {"digest": hashlib.sha256(str(number).encode()).hexdigest()} | row
