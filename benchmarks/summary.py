"""From laps to the figures of the table."""

from __future__ import annotations

from statistics import median
from typing import Any

from benchmarks.plan import TRL

Laps = list[dict[str, Any]]


def summarise(measured: dict[str, Any], peak: dict[str, float]) -> list[dict[str, Any]]:
    """One row a contestant, in the order of the laps.

    A ratio is the median of TRL's seconds over the median of the contestant's: against TRL in fp32 as it comes, and
    against TRL's fastest setting in the contestant's own precision. `memory_ratio` is the contestant's peak over that
    same TRL setting's.

    Args:
        peak: FLOP/s of the machine's matrix products, by precision.
    """
    rows = [_row(name, laps, peak) for name, laps in measured["laps"].items() if laps]
    rivals = [row for row in rows if row["side"] == TRL]
    for row in rows:
        base = next((rival for rival in rivals if rival["name"] == f"{TRL} fp32"), None)
        alike = [rival for rival in rivals if rival["precision"] == row["precision"]]
        best = min(alike, key=lambda rival: rival["seconds"], default=None)
        row["speedup_fp32"] = base["seconds"] / row["seconds"] if base else None
        row["speedup_best"] = best["seconds"] / row["seconds"] if best else None
        row["memory_ratio"] = row["peak_bytes"] / best["peak_bytes"] if best else None
    return rows


def _row(name: str, laps: Laps, peak: dict[str, float]) -> dict[str, Any]:
    side, precision, *_ = name.split()
    return {
        "name": name,
        "side": side,
        "precision": precision,
        "seconds": median(lap["seconds"] for lap in laps),
        "fastest": min(lap["seconds"] for lap in laps),
        "slowest": max(lap["seconds"] for lap in laps),
        "rows_per_second": median(lap["rows"] / lap["seconds"] for lap in laps),
        "tokens_per_second": median(lap["tokens"] / lap["seconds"] for lap in laps),
        "peak_bytes": max(lap["peak_bytes"] for lap in laps),
        "peak_share": median(lap["flops"] / lap["seconds"] for lap in laps) / peak[precision],
        "updates": laps[-1]["updates"],
        "phases": _phases(laps),
    }


def _phases(laps: Laps) -> dict[str, float]:
    names = laps[0].get("phases", {})
    return {name: median(lap["phases"][name] for lap in laps) for name in names}
