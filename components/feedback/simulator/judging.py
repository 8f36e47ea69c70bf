"""Simulated annotators compare two answers."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from components.feedback.simulator.annotators import TIE_MARGIN, Annotator, pick_annotators
from components.feedback.simulator.truth import GOLD_SOURCE
from components.files import sha256_bytes

#: The clock of the simulation, so that the same seed writes the same bytes on any day.
START = datetime(2025, 3, 3, 8, tzinfo=UTC)
_STRENGTHS = ((1.0, 0.4), (2.5, 0.7))


def judge_pairs(pairs: Iterable[tuple[str, str, str]], seed: int) -> list[dict[str, Any]]:
    """Let one annotator judge each (prompt, response_a, response_b), as rows that can be ingested.

    The same call gives the same rows. Ids are derived from what was judged: another round has others.
    """
    rng = random.Random(f"judge {seed}")  # noqa: S311 - reproducible, not secret
    return [_judged_row(rng, seed, index, *pair) for index, pair in enumerate(pairs)]


def _judged_row(rng: random.Random, seed: int, index: int, prompt: str, a: str, b: str) -> dict[str, Any]:
    key = sha256_bytes("\x1f".join((str(seed), str(index), prompt, a, b)).encode("utf-8", "surrogatepass"))
    annotator = pick_annotators(rng, 1)[0]
    row = {"id": f"judged-{key[:16]}", "prompt": prompt, "response_a": a, "response_b": b}
    row |= compare(rng, annotator, prompt, a, b)
    return row | signed(annotator, START + timedelta(minutes=index))


def compare(rng: random.Random, annotator: Annotator, prompt: str, a: str, b: str) -> dict[str, Any]:
    """`preferred` ("a", "b" or "tie") and `strength` (0.4, 0.7 or 1.0; None for a tie)."""
    margin = annotator.margin(rng, prompt, a, b)
    if abs(margin) < TIE_MARGIN:
        return {"preferred": "tie", "strength": None}
    strength = next((strength for below, strength in _STRENGTHS if abs(margin) < below), 1.0)
    return {"preferred": "a" if margin > 0 else "b", "strength": strength}


def signed(annotator: Annotator, at: datetime) -> dict[str, Any]:
    """The columns that say whose row it is."""
    return {
        "annotator": annotator.name,
        "created_at": at.isoformat(timespec="seconds"),
        "source": GOLD_SOURCE,
        "language": "en",
    }
