"""The notifier that needs no server: a line of JSON for each notification, in a file that is kept small."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect.blocks.abstract import NotificationBlock

from components.locks import exclusive
from components.workspace import STATE

FILE = STATE / "notifications.jsonl"
#: A file that is larger becomes the older one; the older one before it goes.
MOST_BYTES = 1 << 20


class LogFile(NotificationBlock):
    """Attributes: path: of the file; about: what else its lines tell, such as the kind of news."""

    _block_type_name = "RLHF log file"

    path: Path
    about: dict[str, str] = {}  # noqa: RUF012 - a pydantic field, copied for each

    def notify(self, body: str, subject: str | None = None) -> None:
        """Add a line; on disk when this returns."""
        time = datetime.now(UTC).isoformat(timespec="seconds")
        append(self.path, {"time": time, **self.about, "subject": subject or "", "body": body})


def append(path: Path, entry: dict[str, Any], most_bytes: int = MOST_BYTES) -> None:
    """Add one line. One process at a time; a line that a killed one left torn is ended first."""
    line = json.dumps(entry).encode("ascii") + b"\n"
    with exclusive(path.with_suffix(".lock")):
        if path.exists() and path.stat().st_size + len(line) > most_bytes:
            path.replace(older(path))
        with path.open("ab+") as handle:
            handle.write(line if _is_whole(handle) else b"\n" + line)
            handle.flush()
            os.fsync(handle.fileno())


def older(path: Path) -> Path:
    """Where the lines before those of `path` are."""
    return path.with_name(f"{path.stem}.1{path.suffix}")


def read_entries(path: Path) -> list[dict[str, Any]]:
    """Every whole line, the oldest first."""
    return [*_entries(older(path)), *_entries(path)]


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry


def _is_whole(handle: Any) -> bool:
    """Whether the file is empty or its last line has an end."""
    if handle.seek(0, os.SEEK_END) == 0:
        return True
    handle.seek(-1, os.SEEK_END)
    return bool(handle.read(1) == b"\n")
