"""Keeps the lasting programs running: starts them in order, starts again what ended, ends all in order.

`python -m flows.up.supervisor`, in the project's folder; `rlhf up` starts it. SIGTERM ends it, SIGUSR1 makes it
try at once what waits for its next try. One runs in a workspace: it holds the lock `.rlhf/up.lock`.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from components.config import load_params
from components.errors import BusyError
from components.locks import exclusive
from components.workspace import STATE
from flows.up.identity import Identity
from flows.up.orphans import end_marked
from flows.up.programs import SERVE, Program, programs
from flows.up.record import Record, record_path, write_record
from flows.up.watched import Watched

#: So often it looks: while something starts, and when all is well.
_SOON_S, _CALM_S = 0.2, 1.0
BUSY = 5


class Supervisor:
    def __init__(self, root: Path, started: Iterable[Program]) -> None:
        self.root = root
        self.watched = [Watched(root, program) for program in started]
        self.since = datetime.now(UTC).isoformat(timespec="seconds")
        self._written: Record | None = None
        self._ending, self._hurried, self._woken = Event(), Event(), Event()

    def run(self) -> None:
        """Until SIGTERM or SIGINT. What an earlier supervisor left behind is ended first.

        Raises:
            BusyError: another one runs in this workspace.
        """
        try:
            with exclusive(self.root / STATE / "up.lock", wait=False):
                self._hear_signals()
                end_marked(self.root)
                try:
                    self._keep_running()
                finally:
                    self._end_all()
        except BlockingIOError:
            raise BusyError(
                "`rlhf up` runs already in this workspace", "`rlhf down` ends it; `rlhf up` tells where"
            ) from None

    def _hear_signals(self) -> None:
        # SIGHUP: the terminal of `rlhf up --foreground` was closed.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._hear(self._ending))
        signal.signal(signal.SIGUSR1, lambda *_: self._hear(self._hurried))

    def _hear(self, wish: Event) -> None:
        wish.set()
        self._woken.set()

    def _keep_running(self) -> None:
        while not self._ending.is_set():
            self._step()
            record = self._tell()
            self._woken.wait(_CALM_S if record.is_settled else _SOON_S)
            self._woken.clear()

    def _step(self) -> None:
        if self._hurried.is_set():
            self._hurried.clear()
            for each in self.watched:
                each.hurry()
        for each in self.watched:
            try:
                each.step(is_ready=self._are_well(each.program.after))
            except Exception as error:  # noqa: BLE001 - whatever one program brings up must not end the others
                each.said = f"looking after it failed ({error!r})"

    def _are_well(self, names: Iterable[str]) -> bool:
        """Asked at each step anew: what has just stopped answering must not be held against what needs it."""
        well = {each.program.name for each in self.watched if each.is_well}
        return well.issuperset(names)

    def _tell(self) -> Record:
        known = {each.program.name: each.record() for each in self.watched}
        record = Record(Identity.mine(), self.since, self._ending.is_set(), known)
        if record != self._written:
            # With a full disk everything goes on; it is told when there is room.
            with suppress(OSError):
                write_record(self.root, record)
                self._written = record
        return record

    def _end_all(self) -> None:
        """The deployments first, with the runs that they started: so these can tell how they ended."""
        self._ending.set()
        self._tell()
        for each in reversed(self.watched):
            each.stop()
            if each.program.name == SERVE:
                end_marked(self.root, SERVE)
        end_marked(self.root)
        with suppress(OSError):
            record_path(self.root).unlink(missing_ok=True)


def supervise(root: Path) -> None:
    """Run this workspace's supervisor in this process."""
    Supervisor(root, programs(root, load_params(root / "params.yaml"))).run()


def main() -> None:
    try:
        supervise(Path.cwd())
    except BusyError:
        sys.exit(BUSY)


if __name__ == "__main__":
    main()
