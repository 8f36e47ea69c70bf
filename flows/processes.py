"""Other programs, run in a process group of their own that never outlives the block that runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Any
from weakref import WeakSet

from flows import guardian

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

#: A stage that is told to end may write a checkpoint first.
PATIENCE_S = 30.0
#: Programs that were told to end.
_told: WeakSet[subprocess.Popen[str]] = WeakSet()
#: How soon a signal is heard that came where Python could not act on it.
_LISTEN_S = 0.5


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
        _end_though_interrupted(process)


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
    with ExitStack() as at_the_end:
        # Comes after the program's end, which `running` sees to.
        last_lines = at_the_end.enter_context(ExitStack())
        process = at_the_end.enter_context(running(command, **options))
        output = _Output(process)
        last_lines.callback(_tell_if_it_can, output, on_line)
        on_start(process.pid)
        output.tell(on_line)
        return process.wait()


def _tell_if_it_can(output: _Output, on_line: Callable[[str], None]) -> None:
    with suppress(Exception):
        output.tell(on_line)


class _Output:
    """A program's lines, read in a thread: a signal that comes just before a read that blocks would not be heard.

    The thread closes the pipe, too: who closes one that is being read waits until something comes.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._lines = SimpleQueue[str | None]()
        pipe, process.stdout = process.stdout, None
        self._thread = Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe: IO[str]) -> None:
        try:
            with pipe:
                for line in pipe:
                    self._lines.put(line)
        finally:
            # Wakes who waits for a line.
            self._lines.put(None)

    def tell(self, on_line: Callable[[str], None]) -> None:
        """Give each line that was not given yet, up to the last."""
        while self._thread.is_alive() or not self._lines.empty():
            line = self._next()
            if line is not None:
                on_line(_COLOURS.sub("", line.rstrip("\n")))

    def _next(self) -> str | None:
        """None after the last one, or where none came in a while."""
        try:
            line = self._lines.get(timeout=_LISTEN_S)
        except Empty:
            return None
        if line is None:
            self._thread.join()
        return line


def end(process: subprocess.Popen[str], patience_s: float = PATIENCE_S, *, again: bool = False) -> None:
    """End a process and its group: SIGTERM, patience, SIGKILL. Returns at once where all have ended.

    It is told once, unless `again`: a second SIGTERM ends a stage without its checkpoint. `rlhf down` tells a whole
    group, and the leader, Prefect's, then those that it started: that interrupts this twice and means one thing.
    """
    process.poll()
    if again or process not in _told:
        _tell(process.pid)
        _told.add(process)
    _outlast(process.pid, patience_s, process.poll)
    process.wait()


def _end_though_interrupted(process: subprocess.Popen[str]) -> None:
    try:
        _end_and_forget(process)
    except BaseException as interruption:
        # A person's second Ctrl-C means at once.
        _end_and_forget(process, again=isinstance(interruption, KeyboardInterrupt))
        raise


def _end_and_forget(process: subprocess.Popen[str], *, again: bool = False) -> None:
    end(process, again=again)
    guardian.forget(process.pid)
    if process.stdout:
        process.stdout.close()


def end_group(
    group: int, patience_s: float = PATIENCE_S, meanwhile: Callable[[], object] = lambda: None
) -> None:
    """End a process group, whoever started it: SIGTERM, patience, SIGKILL."""
    _tell(group)
    _outlast(group, patience_s, meanwhile)


def _tell(group: int) -> None:
    """SIGTERM, where it has a process that lives."""
    if _alive(group):
        _signal(group, signal.SIGTERM)


def _outlast(group: int, patience_s: float, meanwhile: Callable[[], object]) -> None:
    deadline = time.monotonic() + patience_s
    meanwhile()
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
