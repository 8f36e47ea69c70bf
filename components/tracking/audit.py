"""The append-only record of who put which model into production: .rlhf/audit.jsonl, one JSON line an act."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.workspace import STATE

FILE_NAME = "audit.jsonl"


def append(root: Path, entry: Mapping[str, Any]) -> None:
    """Add one line with the time of now; on disk when this returns.

    O_APPEND and one write: two processes never mix their lines.
    """
    line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="seconds"), **entry})
    path = root / STATE / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, f"{line}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def last(root: Path) -> dict[str, Any]:
    """The newest entry, or an empty one."""
    path = root / STATE / FILE_NAME
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return dict(json.loads(lines[-1])) if lines else {}
