"""How a stage ends when it is told to: a training loop after its step, with a checkpoint; anything else at once.

Told by SIGTERM or Ctrl-C, or by the end of the process that runs the stage: an orphan would go on writing where the
next run writes.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, SimpleNamespace

from components.training.torchrun import is_one_of_several, launcher

#: Exit status of a stage that ended because it was told to: the same command again goes on (EX_TEMPFAIL, sysexits.h).
STOPPED = 75
#: What a step may still take when nobody is left who waits for it.
PATIENCE_S = 30.0
_LOOK_S = 0.5
#: What DVC may run a stage through: $SHELL, or /bin/sh.
_SHELLS = {"sh", "ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "tcsh", "zsh"}

#: No Event: a handler that sets it may have interrupted the very line that holds its lock.
_heard = SimpleNamespace(told=False)


def told_to_end() -> bool:
    """Whether this process is to end after its step."""
    return bool(_heard.told)


def end_at_once_when_told() -> None:
    """SIGTERM and Ctrl-C raise SystemExit: what is half written is removed on the way out."""
    _listen(_leave)


def end_after_step_when_told() -> None:
    """SIGTERM and Ctrl-C make `told_to_end` true; a second one ends the process at once."""
    _listen(_remember)


def end_with_parent() -> None:
    """Be told to end when the process that runs this one is gone, where DVC or torchrun does: they mean to stay."""
    if "DVC_STAGE" in os.environ or is_one_of_several():
        parents = _parents()
        threading.Thread(target=_outlive_no_parent, args=(parents,), daemon=True).start()


def _listen(hear: Callable[[int, FrameType | None], None]) -> None:
    _heard.told = False
    for number in (signal.SIGTERM, signal.SIGINT):
        # A shell's background jobs ignore Ctrl-C, and so does what they start.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, hear)


def _leave(_number: int, _frame: FrameType | None) -> None:
    _heard.told = True
    print("stopped: told to end before anything was kept of this run", file=sys.stderr)
    raise SystemExit(STOPPED)


def _remember(number: int, _frame: FrameType | None) -> None:
    _heard.told = True
    if not is_one_of_several():
        # torchrun and whoever ends the whole group may both tell each process.
        signal.signal(number, signal.SIG_DFL)


def _outlive_no_parent(parents: list[int]) -> None:
    if _still_run_by(parents):
        while _parents() == parents:
            time.sleep(_LOOK_S)
    if not _heard.told:
        # Whoever ended the parent may have told the whole group: a second signal would end this process at once.
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE_S)
    os.kill(os.getpid(), signal.SIGKILL)


def _parents() -> list[int]:
    """The process that runs this one, last, and the shells between: some shells wait for what they start."""
    import psutil

    found = [os.getppid()]
    try:
        while (parent := psutil.Process(found[-1])).name() in _SHELLS:
            found.append(parent.ppid())
    except psutil.NoSuchProcess:
        # It has ended just now, or the shell is all that is left.
        return []
    except psutil.AccessDenied:
        # Somebody else's: no shell of DVC's.
        return found
    return found


def _still_run_by(parents: list[int]) -> bool:
    """Whether the last of these is who started this process, and not who took it over while it was importing.

    An orphan's new parent, such as init, has a session of its own; torchrun starts its processes in sessions of theirs,
    and its number is told.
    """
    if is_one_of_several():
        return os.getppid() == launcher()
    try:
        return os.getsid(parents[-1]) == os.getsid(0)
    except (IndexError, OSError):
        return False
