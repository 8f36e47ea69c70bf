"""The table of all faults: trials, violations, how long it took to be as before."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import quantiles
from typing import Any

from benchmarks.fault_injection.outcome import INVARIANTS, Outcome

HEADERS = ("fault", "trials", *INVARIANTS, "p50 s", "p95 s", "steps lost")


def row(name: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """One fault's line: violations by invariant, seconds of recovery, most steps lost in one trial."""
    counts = sum((outcome.counts() for outcome in outcomes), start=Outcome("").counts())
    seconds = sorted(outcome.recovery_s for outcome in outcomes if outcome.recovery_s is not None)
    lost = [outcome.steps_lost for outcome in outcomes if outcome.steps_lost is not None]
    return {
        "fault": name,
        "trials": len(outcomes),
        **{invariant: counts[invariant] for invariant in INVARIANTS},
        "p50 s": percentile(seconds, 50),
        "p95 s": percentile(seconds, 95),
        "steps lost": max(lost, default=None),
    }


def percentile(values: Sequence[float], share: int) -> float | None:
    """Of sorted values; None of none."""
    if len(values) < 2:
        return round(values[0], 2) if values else None
    return round(quantiles(values, n=100, method="inclusive")[share - 1], 2)


def as_text(rows: Sequence[dict[str, Any]]) -> str:
    """In columns, for a terminal and for a README."""
    cells = [[_shown(row.get(header)) for header in HEADERS] for row in rows]
    widths = [max(len(line[at]) for line in (list(HEADERS), *cells)) for at in range(len(HEADERS))]
    lines = [list(HEADERS), ["-" * width for width in widths], *cells]
    return "\n".join(
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines
    )


def _shown(value: object) -> str:
    return "" if value is None else str(value)
