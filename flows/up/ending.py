"""From everything running to nothing: in order where the supervisor lives, else by what it left."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from flows.processes import end_group
from flows.up.orphans import end_marked
from flows.up.record import read_record, record_path

_LOOK_S = 0.1
#: The deployments' patience, the servers', and a little more.
_PATIENCE_S = 120.0


def stop(root: Path) -> int:
    """End everything that `rlhf up` started here. Returns how many programs or processes that were.

    A supervisor that was killed, a machine that was: what is left of them is ended, too, or was only written.
    """
    record = read_record(root)
    ended = 0
    if record and record.is_running:
        ended = sum(program.process is not None for program in record.programs.values())
        _end_supervisor(root, record.supervisor.pid)
    elif record:
        for program in record.programs.values():
            if program.process is not None and program.process.is_alive:
                end_group(program.process.pid)
                ended += 1
    ended += end_marked(root)
    record_path(root).unlink(missing_ok=True)
    return ended


def _end_supervisor(root: Path, pid: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    while (record := read_record(root)) and record.is_running and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    if record and record.is_running:
        # Its guardian ends what it had started.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
