"""One retraining at a time in a workspace; whoever comes second is told who is at it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from components.errors import BusyError
from components.locks import exclusive
from components.workspace import STATE, current_user

#: Held by the retraining at work.
RETRAINING = STATE / "retrain.lock"
TRIES, PAUSE_S = 5, 0.1


@contextmanager
def retraining(root: Path) -> Iterator[None]:
    """Hold the workspace for a retraining. The lock falls with its process, however that ends.

    Raises:
        BusyError: another process retrains; it says which, whose, and since when.
    """
    path = root / RETRAINING
    with _taken(path) as handle:
        handle.truncate(0)
        json.dump({"pid": os.getpid(), "user": current_user(), "since": _now()}, handle)
        handle.flush()
        yield


def refuse_if_busy(root: Path) -> None:
    """Raise BusyError at once, before a server is started for nothing."""
    with _taken(root / RETRAINING):
        return


@contextmanager
def _taken(path: Path) -> Iterator[TextIO]:
    """The lock, held. Who only looks whether it is free holds it for a moment: that is waited for."""
    with ExitStack() as held:
        for left in reversed(range(TRIES)):
            try:
                handle = held.enter_context(exclusive(path, wait=False))
                break
            except BlockingIOError:
                if not left:
                    raise _busy(path) from None
                time.sleep(PAUSE_S)
        yield handle


def _busy(path: Path) -> BusyError:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        who = f"process {holder['pid']} of {holder['user']}, since {holder['since']}"
    except (ValueError, KeyError):
        # Between taking the lock and writing its name.
        who = "another process"
    return BusyError(
        f"a retraining is running: {who}", "wait until it has ended; `rlhf status` shows where things are"
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
