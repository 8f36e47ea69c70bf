"""Locks that a dead process releases: `flock` on a file."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def exclusive(path: Path, *, wait: bool = True, create: bool = True) -> Iterator[TextIO]:
    """Hold the lock file `path` alone for the block and yield it, open for reading and writing.

    Raises:
        BlockingIOError: `wait` is False and another process holds it.
        FileNotFoundError: `create` is False and there is none: who only looks leaves nothing behind.
    """
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+" if create else "r+", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield handle


#: Between two looks at a lock that is waited for.
_LOOK_S = 0.1


@contextmanager
def exclusive_within(path: Path, seconds: float) -> Iterator[TextIO]:
    """`exclusive`, waiting for the lock no longer than `seconds`.

    Raises:
        BlockingIOError: another process holds it all the time.
    """
    deadline = time.monotonic() + seconds
    with ExitStack() as held:
        while True:
            try:
                handle = held.enter_context(exclusive(path, wait=False))
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK_S)
        yield handle


def is_held(path: Path) -> bool:
    """Whether a process that lives holds the lock file; where there is no file, nobody does."""
    try:
        with exclusive(path, wait=False, create=False):
            return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
