"""What was not taken, by reason: nothing is dropped without a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class LeftOutError(Exception):
    """An assessment that is no record; `why` groups them, `remedy` is for all of a group."""

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.why, self.remedy = why, remedy


@dataclass
class _Group:
    example: str
    remedy: str
    count: int = 0


class Tally:
    """Counts assessments that became no record, each reason with its first example."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}

    def add(self, why: str, assessment: Any, remedy: str = "") -> None:
        example = f"{assessment.name[:60]!a} of {assessment.trace_id}"
        self._groups.setdefault(why, _Group(example, remedy)).count += 1

    def notes(self, source: str) -> list[str]:
        """A sentence a reason, the most frequent first."""
        groups = sorted(self._groups.items(), key=lambda group: -group[1].count)
        return [_note(source, why, group) for why, group in groups]


def _note(source: str, why: str, group: _Group) -> str:
    remedy = f"; {group.remedy}" if group.remedy else ""
    return f"{source}: {group.count} left out: {why} (such as {group.example}){remedy}"
