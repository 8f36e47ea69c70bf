"""One program as its supervisor sees it: started, looked after, started again when it ends."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from components.locks import exclusive
from flows import guardian
from flows.processes import end
from flows.up.identity import Identity
from flows.up.logs import tail, trim
from flows.up.programs import Program, log_file
from flows.up.record import DONE, FAILING, STARTING, UP, WAITING, ProgramRecord

#: Before the next try, seconds: doubled each time, up to this.
FIRST_PAUSE_S, LONGEST_PAUSE_S, MOST_DOUBLINGS = 1.0, 300.0, 20
#: It fails when it has ended so often in a row; it has recovered when it worked for so long.
MANY, RECOVERED_S = 5, 600.0
#: What works is asked again so often.
LOOK_EVERY_S = 15.0
#: Making Prefect's tables takes 10 s here, a minute on a slow machine.
START_TIMEOUT_S = 240.0


class Watched:
    """Steps of a program's life; `step` is to be called every now and then. Times are of time.monotonic()."""

    def __init__(self, root: Path, program: Program) -> None:
        self.root, self.program = root, program
        self.state, self.restarts, self.said = WAITING, 0, ""
        self.process: subprocess.Popen[str] | None = None
        self.identity: Identity | None = None
        self._since = self._next = self._looked = 0.0
        self._unanswered = 0
        self._held = ExitStack()

    @property
    def is_well(self) -> bool:
        """Whether it works as far as is known, so that what needs it can be started, and held to account."""
        return self.state in (UP, DONE) and not self._unanswered

    def step(self, is_ready: bool) -> None:
        """Do what is due. `is_ready`: all that this program needs works."""
        if self.process is not None and self.process.poll() is not None:
            self._ended(f"it ended with status {self.process.returncode}")
        elif self.state == STARTING:
            self._look_whether_it_starts()
        elif self.state == UP:
            self._look_whether_it_works(is_ready)
        elif self.state in (WAITING, FAILING) and is_ready and time.monotonic() >= self._next:
            self._start()

    def hurry(self) -> None:
        """Try at once what waits for its next try, as if it had never ended."""
        if self.process is None and self.state in (WAITING, FAILING):
            self.state, self.restarts, self._next = WAITING, 0, 0.0

    def stop(self) -> None:
        """End it and what it started, and don't start it again."""
        if self.process is not None:
            end(self.process, self.program.patience_s)
            self._forget_process()
        self.state = DONE

    def record(self) -> ProgramRecord:
        log = str(log_file(self.root, self.program.name).relative_to(self.root))
        program = self.program
        return ProgramRecord(
            self.state, self.identity, program.url, program.address, self.restarts, log, self.said
        )

    def _start(self) -> None:
        try:
            if not self._takes_its_lock():
                return
            self.process = self._popen()
        except OSError as error:
            # No memory, no room, no more processes: over months it happens, and passes.
            self._ended(f"it could not be started ({error})")
            return
        self.state, self._since, self._unanswered = STARTING, time.monotonic(), 0
        self.identity = Identity.of(self.process.pid)
        guardian.watch(self.process.pid)

    def _popen(self) -> subprocess.Popen[str]:
        log = log_file(self.root, self.program.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        if self.program.sign is not None:
            self.program.sign.unlink(missing_ok=True)
        with log.open("a", encoding="utf-8") as output:
            return subprocess.Popen(
                list(self.program.command),
                cwd=self.root,
                env={**os.environ, **self.program.variables},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                text=True,
            )

    def _takes_its_lock(self) -> bool:
        if self.program.makes_tables is None:
            return True
        try:
            self._held.enter_context(exclusive(self.program.makes_tables, wait=False))
        except BlockingIOError:
            return False
        return True

    def _look_whether_it_starts(self) -> None:
        if self._works():
            self._held.close()
            self.state, self._since = UP, time.monotonic()
            self._looked = self._since
        elif time.monotonic() - self._since > START_TIMEOUT_S:
            self._kill(f"it did not answer within {START_TIMEOUT_S:g} s")

    def _look_whether_it_works(self, is_ready: bool) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY_S:
            return
        self._looked = now
        with suppress(OSError):
            trim(log_file(self.root, self.program.name))
        if now - self._since > RECOVERED_S:
            self.restarts = 0
        # While what it needs is away it may well not work, and to end it would end the runs in it.
        self._unanswered = 0 if not is_ready or self._works() else self._unanswered + 1
        if self._unanswered >= self.program.unanswered:
            self._kill("it hung")

    def _works(self) -> bool:
        try:
            return self.program.works()
        except Exception as error:  # noqa: BLE001 - a question that fails is no answer
            self.said = f"asking whether it works failed ({error!r})"
            return False

    def _kill(self, why: str) -> None:
        if self.process is not None:
            end(self.process, self.program.patience_s)
        self._ended(why)

    def _ended(self, why: str) -> None:
        is_done = self.program.is_step and self.process is not None and self.process.returncode == 0
        if self.process is not None:
            # Its children may live on.
            end(self.process, self.program.patience_s)
        self._forget_process()
        if is_done:
            self.state = DONE
            return
        self.restarts += 1
        self.said = f"{why}: {tail(log_file(self.root, self.program.name))}"
        # Bounded before it is a power: restarts of a year would make no float any more.
        doublings = min(self.restarts - 1, MOST_DOUBLINGS)
        self._next = time.monotonic() + min(FIRST_PAUSE_S * 2**doublings, LONGEST_PAUSE_S)
        self.state = FAILING if self.restarts >= MANY else WAITING

    def _forget_process(self) -> None:
        self._held.close()
        if self.process is not None:
            guardian.forget(self.process.pid)
        self.process = self.identity = None
