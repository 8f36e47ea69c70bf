"""Which process is meant by a number that another process wrote down: numbers are used again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_STATE, _START_TICKS = 0, 19


@dataclass(frozen=True)
class Identity:
    """A process by its number and when it was born."""

    pid: int
    born: str

    @classmethod
    def of(cls, pid: int) -> Identity:
        return cls(pid, _born(pid) or "")

    @classmethod
    def mine(cls) -> Identity:
        return cls.of(os.getpid())

    @property
    def is_alive(self) -> bool:
        """Whether this very process runs: not a later one of its number, and more than a zombie."""
        return bool(self.born) and _born(self.pid) == self.born


def _born(pid: int) -> str | None:
    """Something that no other process of this number has; None where none runs."""
    return _born_on_linux(pid) if Path("/proc/self/stat").exists() else _born_elsewhere(pid)


def _born_on_linux(pid: int) -> str | None:
    # Ticks since the machine's start, and which start: a clock that is set does not change them.
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return None if words[_STATE] in "ZX" else f"{boot}:{words[_START_TICKS]}"


def _born_elsewhere(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return None
