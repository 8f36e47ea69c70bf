"""A training's log that keeps what the benchmark reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Steps:
    """Counts the steps it is told of, and keeps their losses."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def __call__(self, metrics: Mapping[str, float], step: int, /) -> None:
        self.losses.append(metrics["loss"])

    @property
    def mean(self) -> float:
        return sum(self.losses) / len(self.losses)

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing is resumed here."""
