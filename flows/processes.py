"""Other programs, run in a process group of their own that never outlives the block that runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from flows import guardian

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

#: A stage that is told to end may write a checkpoint first.
PATIENCE_S = 30.0


@contextmanager
def running(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a program; when the block ends, however it ends, the program and all it started are gone.

    Ctrl-C does not reach it: this process hears it, and ends the program on its way out.
    """
    process = subprocess.Popen(list(command), start_new_session=True, text=True, **options)
    guardian.watch(process.pid)
    try:
        yield process
    finally:
        end(process)
        guardian.forget(process.pid)
        if process.stdout:
            process.stdout.close()


def stream(
    command: Sequence[str],
    cwd: Path,
    on_line: Callable[[str], None],
    on_start: Callable[[int], None] = lambda _: None,
) -> int:
    """Run a program and give each line it prints, stdout and stderr alike and without colours, to `on_line`.

    Where the block around it ends early, the program is told to end, and its last lines are given too: a stage says
    there which step it keeps.

    Args:
        on_start: is given the number of its process.

    Returns:
        The program's exit status.
    """
    options: Mapping[str, Any] = {
        "cwd": cwd,
        "env": {**os.environ, "PYTHONUNBUFFERED": "1"},
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "encoding": "utf-8",
        "errors": "replace",
    }
    with running(command, **options) as process:
        on_start(process.pid)
        try:
            _tell(process, on_line)
        except BaseException:
            end(process)
            with suppress(Exception):
                _tell(process, on_line)
            raise
        return process.wait()


def _tell(process: subprocess.Popen[str], on_line: Callable[[str], None]) -> None:
    for line in process.stdout or ():
        on_line(_COLOURS.sub("", line.rstrip("\n")))


def end(process: subprocess.Popen[str], patience_s: float = PATIENCE_S) -> None:
    """End a process and its group: SIGTERM, patience, SIGKILL. Returns at once where all have ended."""
    end_group(process.pid, patience_s, process.poll)
    process.wait()


def end_group(
    group: int, patience_s: float = PATIENCE_S, meanwhile: Callable[[], object] = lambda: None
) -> None:
    """End a process group, whoever started it: SIGTERM, patience, SIGKILL."""
    meanwhile()
    deadline = time.monotonic() + patience_s
    if _alive(group):
        _signal(group, signal.SIGTERM)
    while _alive(group):
        if time.monotonic() > deadline:
            _signal(group, signal.SIGKILL)
        time.sleep(0.02)
        meanwhile()


def _alive(group: int) -> bool:
    """Whether the group has a process that is more than a zombie: an orphan's may never be collected."""
    import psutil

    for each in psutil.process_iter():
        try:
            if os.getpgid(each.pid) == group and each.status() != psutil.STATUS_ZOMBIE:
                return True
        except (ProcessLookupError, PermissionError, psutil.Error):
            continue
    return False


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
