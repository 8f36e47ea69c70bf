"""The sign of life of `rlhf serve`: a file that is as young as its last answered question to Prefect for work.

Whether Prefect answers says nothing of the process that serves; this file does, for the supervisor of `rlhf up`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import Event, Thread

from components.workspace import STATE

SIGN = STATE / "up" / "serve.asked"
#: It asks Prefect every ten seconds.
FRESH_S, EVERY_S = 60.0, 2.0


def is_fresh(sign: Path) -> bool:
    """Whether what writes this file has worked of late."""
    try:
        return time.time() - sign.stat().st_mtime < FRESH_S
    except FileNotFoundError:
        return False


@contextmanager
def showing(sign: Path, last: Callable[[], datetime | None]) -> Iterator[None]:
    """In the block, a thread keeps the file as old as the moment that `last` gives; without one there is no file."""
    is_over = Event()
    thread = Thread(target=_show, args=(sign, last, is_over), daemon=True)
    sign.parent.mkdir(parents=True, exist_ok=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        sign.unlink(missing_ok=True)


def _show(sign: Path, last: Callable[[], datetime | None], is_over: Event) -> None:
    while not is_over.wait(EVERY_S):
        moment = last()
        # With a full disk it goes on.
        with suppress(OSError):
            if moment is not None:
                sign.touch()
                os.utime(sign, (moment.timestamp(),) * 2)
