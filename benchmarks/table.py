"""The table that a person reads."""

from __future__ import annotations

from typing import Any

UNITS = {"reward_model": "pairs", "dpo": "pairs", "sft": "rows", "ppo": "rollouts", "sampling": "responses"}


def render(job: str, shape: str, rows: list[dict[str, Any]]) -> str:
    """One group's rows as aligned text."""
    head = [
        f"{job}, {shape}",
        "seconds",
        "(range)",
        "x TRL fp32",
        "x TRL best",
        f"{UNITS[job]}/s",
        "tokens/s",
        "peak MB",
        "of TRL's",
        "matmul peak",
    ]
    return "\n".join(aligned([head, *map(_cells, rows)]) + _phase_lines(rows)) + "\n"


def _cells(row: dict[str, Any]) -> list[str]:
    return [
        row["name"],
        f"{row['seconds']:.3g}",
        f"({row['fastest']:.3g}-{row['slowest']:.3g})",
        _times(row["speedup_fp32"]),
        _times(row["speedup_best"]),
        f"{row['rows_per_second']:.1f}",
        f"{row['tokens_per_second']:.0f}",
        f"{row['peak_bytes'] / 1e6:.0f}",
        _times(row["memory_ratio"]),
        f"{row['peak_share']:.1%}",
    ]


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def aligned(cells: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]


def _phase_lines(rows: list[dict[str, Any]]) -> list[str]:
    with_phases = [row for row in rows if row["phases"]]
    if not with_phases:
        return []
    head = ["seconds by phase", *with_phases[0]["phases"]]
    return [
        "",
        *aligned([head, *([row["name"], *map(_seconds, row["phases"].values())] for row in with_phases)]),
    ]


def _seconds(value: float) -> str:
    return f"{value:.3g}"
