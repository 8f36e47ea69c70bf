"""The books of the feedback: from lines read to pairs used, each line's arithmetic on view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """Attributes: parts: what was added, and, below zero, taken off; total: what was counted in the end."""

    name: str
    parts: Mapping[str, int]
    total: int

    @property
    def closes(self) -> bool:
        return sum(self.parts.values()) == self.total

    def lines(self) -> Iterator[str]:
        """As a person reads a sum: the first part, what is added and taken off, and a line of the total."""
        shown = [
            (name, count) for place, (name, count) in enumerate(self.parts.items()) if count or not place
        ]
        for place, (name, count) in enumerate(shown):
            sign = "-" if count < 0 else " " if place == 0 else "+"
            yield f"{sign} {name:38} {abs(count):>12,}"
        yield f"= {self.name:38} {self.total:>12,}"
