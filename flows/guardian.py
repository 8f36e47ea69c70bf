"""A small process that ends what this one started, should this one be killed before it can do so itself.

It reads process groups from a pipe: `+123` to watch one, `-123` to forget it. The pipe closes when its
writer ends, in whatever way: then every group still watched gets SIGTERM and, a little later, SIGKILL.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

#: What a stage may take to end itself: as in flows/processes.py, of which this imports nothing.
PATIENCE_S = 30.0

_watched: set[int] = set()


@cache
def _start() -> subprocess.Popen[str]:
    # -I -S: none of the project's imports; it starts in some 20 ms. Its own session: Ctrl-C does not reach it.
    guardian = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).resolve())],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    atexit.register(_finish, guardian)
    return guardian


def _finish(guardian: subprocess.Popen[str]) -> None:
    guardian.communicate()


def watch(group: int) -> None:
    """End this process group when this process is gone."""
    _watched.add(group)
    _tell(f"+{group}")


def forget(group: int) -> None:
    """The group has ended by itself; its number may be another's soon."""
    _watched.discard(group)
    _tell(f"-{group}")


def _tell(line: str) -> None:
    try:
        _write(line)
    except BrokenPipeError:
        # It was killed; over months somebody will. Another one takes over.
        _start.cache_clear()
        for group in _watched:
            _write(f"+{group}")


def _write(line: str) -> None:
    pipe = _start().stdin
    if pipe is not None:
        pipe.write(f"{line}\n")
        pipe.flush()


def guard(lines: Iterable[str], end: Callable[[int], None]) -> None:
    """Read until the writer is gone, then end each group that is still watched."""
    watched: set[int] = set()
    for line in lines:
        group = int(line[1:])
        watched.add(group) if line.startswith("+") else watched.discard(group)
    for group in watched:
        end(group)


def end_group(group: int) -> None:
    """SIGTERM, patience, SIGKILL."""
    deadline = time.monotonic() + PATIENCE_S
    try:
        os.killpg(group, signal.SIGTERM)
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.05)
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


if __name__ == "__main__":
    guard(sys.stdin, end_group)
