"""A command that works through files ends between two of them: a signal is a wish, heard when the file is done."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from threading import Event
from types import FrameType
from typing import TypeVar

#: Set when this process was asked to end.
ending = Event()

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LISTEN_S = 0.2
_Result = TypeVar("_Result")


@contextmanager
def polite_end() -> Iterator[None]:
    """In the block SIGTERM and Ctrl-C set `ending`; a second one ends the process at once."""
    before = {number: signal.signal(number, _hear) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def undisturbed(flow: Callable[..., _Result], *arguments: object) -> _Result:
    """Call a flow in a thread of its own: in the main one Prefect's engine takes SIGTERM for itself."""
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(copy_context().run, flow, *arguments)
        # Not in one go: a signal is heard when this thread does something.
        while not future.done():
            wait([future], timeout=_LISTEN_S)
        return future.result()


def _hear(number: int, _frame: FrameType | None) -> None:
    ending.set()
    signal.signal(number, signal.SIG_DFL)
