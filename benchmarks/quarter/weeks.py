"""The twelve weeks: what arrives, and what people do about it and about the candidate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Week:
    """Attributes:
    kind: of what arrives: batches.KINDS.
    again: the file of this week comes in as well, mended.
    decision: about a batch that waits: "release" or "refuse".
    withdraws: the batch of this week is withdrawn, and the schedule retrains without it.
    review: "promote", "approve" (by a tag in MLflow), "rollback" or "" (nobody has time).
    """

    kind: str = "honest"
    again: bool = False
    decision: str = ""
    withdraws: int = 0
    review: str = ""


QUARTER = (
    Week(review="promote"),
    Week(review="promote"),
    Week("spammed", decision="refuse"),
    Week(),
    Week("broken", again=True, review="approve"),
    Week("poisoned", decision="refuse"),
    Week(),
    Week(withdraws=4, review="promote"),
    Week("spammed", decision="release"),
    Week(review="promote"),
    Week(review="rollback"),
    Week(review="approve"),
)
