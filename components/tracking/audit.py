"""The append-only record of who put which model into production: .rlhf/audit.jsonl, one JSON line an act.

Each line bears its number and the SHA-256 of the line before it, so that an edited, removed or slipped-in line
shows (audit_chain.py). Lines of older versions bear neither; the first that does seals them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.files import sha256_bytes
from components.locks import exclusive
from components.workspace import STATE

FILE_NAME = "audit.jsonl"
NUMBER, PREVIOUS = "number", "previous"
#: The act of `rlhf clean`: a production version and its files are gone. It moves no champion.
DELETE = "delete"
#: On the line after one that a killed writer left torn: the torn one's number.
TORN = "after_torn_line"
#: What the first line of all names as the SHA-256 of the line before.
NOTHING = sha256_bytes(b"")


@dataclass(frozen=True)
class Line:
    """A line of the log as it lies on disk.

    Attributes:
        entry: None where it is no JSON object.
        ended: False for a last line that a killed writer did not finish.
    """

    content: bytes
    entry: dict[str, Any] | None
    ended: bool = True

    @property
    def is_chained(self) -> bool:
        return self.entry is not None and NUMBER in self.entry and PREVIOUS in self.entry

    @property
    def act(self) -> dict[str, Any]:
        """What was done, without the links of the chain."""
        links = (NUMBER, PREVIOUS, TORN)
        return {key: value for key, value in (self.entry or {}).items() if key not in links}


@dataclass(frozen=True)
class Head:
    """How far a log goes: the number of its lines and the SHA-256 of the last."""

    count: int
    sha256: str


def log_path(root: Path) -> Path:
    return root / STATE / FILE_NAME


def read_log(root: Path) -> list[Line]:
    """Every line, the oldest first; none where nothing was promoted yet."""
    path = log_path(root)
    return lines_of(path.read_bytes()) if path.exists() else []


def lines_of(content: bytes) -> list[Line]:
    *ended, rest = content.split(b"\n")
    lines = [Line(line, _entry(line)) for line in ended]
    return [*lines, Line(rest, _entry(rest), ended=False)] if rest else lines


def _entry(content: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def head_of(lines: Sequence[Line]) -> Head:
    return Head(len(lines), sha256_bytes(lines[-1].content) if lines else NOTHING)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def append(root: Path, act: Mapping[str, Any]) -> Head:
    """Add one line, chained to the last; on disk when this returns. The time of now where the act has none.

    A last line that a killed writer left torn stays as it is: it is ended, and the new line names it. One process
    at a time reads the last line and writes the next, so the chain never forks.
    """
    path = log_path(root)
    with exclusive(path.with_suffix(".lock")):
        lines = read_log(root)
        line = chained(lines, act)
        _write(path, (b"" if not lines or lines[-1].ended else b"\n") + line + b"\n")
    return Head(len(lines) + 1, sha256_bytes(line))


def chained(lines: Sequence[Line], act: Mapping[str, Any]) -> bytes:
    """The bytes of the line that follows these."""
    head = head_of(lines)
    links: dict[str, Any] = {NUMBER: head.count + 1, PREVIOUS: head.sha256}
    if lines and not lines[-1].ended and lines[-1].entry is None:
        links[TORN] = head.count
    return json.dumps(links | {"time": now()} | dict(act)).encode("ascii")


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def last_act(lines: Sequence[Line]) -> dict[str, Any]:
    """What the newest readable line tells of the champion, or nothing."""
    acts = (line.act for line in reversed(lines) if line.entry is not None)
    return next((act for act in acts if act.get("action") != DELETE), {})
