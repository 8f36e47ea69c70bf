"""What the lasting programs print, kept within bounds over months."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LARGEST = 10_000_000


def trim(log: Path, largest: int = LARGEST) -> None:
    """Begin a log anew that has grown too long; the part before stays beside it, once. Bytes.

    Its writer appends, so it goes on at the new beginning; what it writes meanwhile may be lost.
    """
    if not log.exists() or log.stat().st_size <= largest:
        return
    shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)


def tail(log: Path) -> str:
    """Its last line that says something."""
    if not log.exists():
        return ""
    with log.open("rb") as handle:
        handle.seek(max(0, log.stat().st_size - 4096))
        lines = handle.read().decode("utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
