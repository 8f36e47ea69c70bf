"""The per-step metrics that training stages leave in reports/steps."""

from __future__ import annotations

import csv
import math
from pathlib import Path

#: Columns by name, all of one length; "step" is one of them. NaN where a metric was not measured at a step.
StepTable = dict[str, list[float]]


def read_steps(path: Path) -> StepTable:
    """Read one stage's table: a header `step,<metric>,...`, then numbers or empty cells."""
    with path.open(newline="", encoding="utf-8") as handle:
        header, *rows = csv.reader(handle)
    return {name: [_number(row[place]) for row in rows] for place, name in enumerate(header)}


def read_all_steps(folder: Path) -> dict[str, StepTable]:
    """The tables of a folder by stage, in the order of their names; none where there is no folder."""
    return {path.stem: read_steps(path) for path in sorted(folder.glob("*.csv"))}


def _number(cell: str) -> float:
    return float(cell) if cell.strip() else math.nan
