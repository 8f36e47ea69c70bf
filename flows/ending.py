"""How a signal ends a command: it is never lost; one that works through files ends between two of them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from threading import Event, Timer
from types import FrameType, NoneType
from typing import TypeVar

#: Set when this process was asked to end.
ending = Event()

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LISTEN_S = 0.2
_AGAIN_S = 0.05
_Result = TypeVar("_Result")


def lose_no_signal() -> None:
    """Send a signal again whose exception came up where Python drops it, as in a destructor or a library's callback.

    The run would go on, and nobody would hear of the wish to end it.
    """
    report = sys.unraisablehook

    def send_again(dropped: sys.UnraisableHookArgs) -> None:
        if isinstance(dropped.exc_value, Exception | GeneratorExit | NoneType):
            return report(dropped)
        # What a handler raises: KeyboardInterrupt, SystemExit (flows/cli.py), or Prefect's own of SIGTERM.
        number = signal.SIGINT if isinstance(dropped.exc_value, KeyboardInterrupt) else signal.SIGTERM
        # Later: here it would be dropped, too.
        again = Timer(_AGAIN_S, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    sys.unraisablehook = send_again


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
