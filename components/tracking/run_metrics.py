"""The figures of a stage's execution, from the files that it left behind, under names that MLflow takes."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.files import read_json, sha256_bytes
from components.tracking.lineage import flatten

#: MLflow takes at most this many in one request.
METRICS_AT_ONCE = 1000
#: Tags by which a run is known again: what it tells of, and of which stage.
KEY, STAGE = "rlhf.key", "rlhf.stage"
#: What names of figures of the machine begin with, as MLflow's pages know them.
SYSTEM = "system/"
#: Characters that a metric's name may not have; a slash would make a path of it.
_REFUSED = re.compile(r"[^\w.\- :]")
LONGEST_NAME = 250


def metrics_of(root: Path, stage: str) -> Iterator[tuple[str, float, int]]:
    """The steps of reports/steps/<stage>.csv, then the final figures, named `final.` beside steps."""
    steps, prefix = root / "reports/steps" / f"{stage}.csv", ""
    if steps.exists():
        yield from _steps(steps)
        prefix = "final."
    final = root / "reports" / ("metrics.json" if stage == "evaluate" else f"{stage}.json")
    if final.exists():
        yield from _finals(prefix, dict(figures(read_json(final))))


def _finals(prefix: str, final: Mapping[str, float]) -> Iterator[tuple[str, float, int]]:
    """Under names that MLflow takes: those of sources and batches are whatever people wrote."""
    safe = {name: _safe(f"{prefix}{name}") for name in final}
    times = Counter(safe.values())
    for name, value in final.items():
        yield safe[name] if times[safe[name]] == 1 else _told_apart(safe[name], name), value, 0


def _safe(name: str) -> str:
    return _REFUSED.sub("_", name)[:LONGEST_NAME]


def _told_apart(safe: str, name: str) -> str:
    """Another name for each that became the same: two figures under one would look like one that changed."""
    mark = f"-{sha256_bytes(name.encode('utf-8'))[:8]}"
    return safe[: LONGEST_NAME - len(mark)] + mark


def _steps(path: Path) -> Iterator[tuple[str, float, int]]:
    with path.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            step = int(float(row.pop("step")))
            yield from ((name, float(text), step) for name, text in row.items() if text)


def figures(tree: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The finite numbers among the leaves, by dotted name: texts, lists and nulls are no metrics."""
    for name, value in flatten(tree):
        if isinstance(value, int | float) and math.isfinite(value):
            yield name, float(value)
