"""How a stage says where it is: one plain line a person can read and a flow can parse."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: A training loop reports through this: metrics of one step, and the step's number (from 1).
Log = Callable[[Mapping[str, float], int], None]

_LINE = re.compile(r"^\[(?P<stage>\w+)\] +(?P<step>\d+)/(?P<total>\d+)(?P<metrics>( +[\w./]+=[-+.\w]+)*)$")


@dataclass(frozen=True)
class Progress:
    """Where a stage is: step `step` of `total`, with the figures worth showing."""

    stage: str
    step: int
    total: int
    metrics: dict[str, float]

    def line(self) -> str:
        """Such as `[ppo] 3/40 score=0.512 kl=1.2`."""
        figures = "".join(f" {name}={value:.4g}" for name, value in self.metrics.items())
        return f"[{self.stage}] {self.step}/{self.total}{figures}"


def parse_progress(line: str) -> Progress | None:
    """The progress a printed line tells of, or None for any other line."""
    match = _LINE.match(line.strip())
    if match is None:
        return None
    pairs = (item.split("=", 1) for item in match["metrics"].split())
    metrics = {name: float(value) for name, value in pairs}
    return Progress(match["stage"], int(match["step"]), int(match["total"]), metrics)
