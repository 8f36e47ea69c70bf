"""From nothing to everything running: the supervisor in the background, and the wait until all is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from components.errors import RlhfError
from components.locks import exclusive
from components.workspace import STATE
from flows.up.logs import tail
from flows.up.programs import log_file
from flows.up.record import DONE, FAILING, UP, Record, read_record
from flows.up.supervisor import BUSY

_LOOK_S, _HEARD_S = 0.2, 10.0
#: Beyond what one program may take to start, twice over.
_TIMEOUT_S = 600.0


def running(root: Path) -> Record | None:
    """What runs already, with its supervisor; None where nothing does."""
    record = read_record(root)
    return record if record and record.is_running and not record.ending else None


def _is_ending(root: Path) -> bool:
    record = read_record(root)
    return bool(record and record.is_running and record.ending)


def start(root: Path, on_change: Callable[[Record], None]) -> Record:
    """Start what is missing and wait until each program works or fails.

    Args:
        on_change: called with what runs, whenever that changed.

    Raises:
        RlhfError: the supervisor ended, or something did not start; what did start stays.
    """
    with exclusive(root / STATE / "up.start.lock"):
        known = running(root)
        if known:
            _hurry(root, known)
            return _wait(root, None, on_change)
        return _wait(root, _start_supervisor(root), on_change)


def _hurry(root: Path, known: Record) -> None:
    """Have what is missing tried at once, whatever its pause, and wait until that has begun."""
    if all(program.state in (UP, DONE) for program in known.programs.values()):
        return
    os.kill(known.supervisor.pid, signal.SIGUSR1)
    deadline = time.monotonic() + _HEARD_S
    while running(root) == known and time.monotonic() < deadline:
        time.sleep(_LOOK_S)


def _start_supervisor(root: Path) -> subprocess.Popen[bytes]:
    log = log_file(root, "supervisor")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "flows.up.supervisor"],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # In no terminal's hands: Ctrl-C and logging out do not reach it.
            start_new_session=True,
        )


def _wait(
    root: Path, supervisor: subprocess.Popen[bytes] | None, on_change: Callable[[Record], None]
) -> Record:
    deadline, seen = time.monotonic() + _TIMEOUT_S, None
    while time.monotonic() < deadline:
        record = running(root)
        if record and record != seen:
            on_change(record)
            seen = record
        if record and record.is_settled:
            return _refuse_failing(root, record)
        if supervisor is None and record is None:
            raise RlhfError("the supervisor was ended meanwhile", "`rlhf up` again")
        if supervisor is not None and supervisor.poll() == BUSY and record is None and not _is_ending(root):
            # The one that held the workspace was at its end.
            supervisor = _start_supervisor(root)
        if supervisor is not None and supervisor.poll() not in (None, BUSY):
            said = tail(log_file(root, "supervisor"))
            raise RlhfError(
                f"the supervisor ended: {said}", f"read {log_file(root, 'supervisor')}, then `rlhf up`"
            )
        time.sleep(_LOOK_S)
    raise RlhfError(
        f"not everything works after {_TIMEOUT_S:g} s", f"read the logs in {root / STATE / 'up'}; `rlhf down`"
    )


def _refuse_failing(root: Path, record: Record) -> Record:
    failing = {name: program for name, program in record.programs.items() if program.state == FAILING}
    if not failing:
        return record
    told = "; ".join(f"{name}: {program.said}" for name, program in failing.items())
    logs = ", ".join(str(root / program.log) for program in failing.values())
    raise RlhfError(
        f"does not start: {told}",
        f"read {logs}. It is tried again every few minutes, or now by `rlhf up`; `rlhf down` ends all",
    )
