"""Tells MLflow and Prefect how a stage is getting on, from a thread beside it: the stage never waits for a server.

What cannot be sent waits on the disk (components/live.py), for the next try or the next process.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path

from prefect import runtime

from components import live as steps
from components.errors import RegistryError
from components.progress import Progress
from components.stages.running import at_work
from components.tracking import live
from components.tracking.attempts import LIVE, Attempt, all_attempts, newest
from components.tracking.system_metrics import ProcessTree
from components.tracking.tracker import Tracker, connect, mlflow_errors
from components.workspace import environment_of
from flows.artifacts import ProgressArtifact, link_to_run

EVERY_S, SAMPLE_S = 2.0, 5.0
#: After a failure, the next try waits twice as long as before, at most so long.
LONGEST_PAUSE_S = 60.0
#: At the end of a stage the thread may take so long for what waits.
LAST_S = 15.0
#: Samples of the machine that wait in memory while MLflow is away: an hour and a half.
_SAMPLES = 1000
#: A server that hangs is given up soon; nothing is lost by that.
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}


class Watch:
    """Of one stage.

    Args:
        say: is told, once each, that a server is away.
    """

    def __init__(self, root: Path, stage: str, say: Callable[[str], None]) -> None:
        self._root, self._stage, self._say = root, stage, say
        self._prefect_run = str(runtime.flow_run.id or "")
        self._artifact = ProgressArtifact(stage)
        self._tree: ProcessTree | None = None
        self._progress: Progress | None = None
        self._samples: deque[tuple[int, int, dict[str, float]]] = deque(maxlen=_SAMPLES)
        #: An attempt that an earlier process left is over, unless the stage goes on in it.
        self._earlier = _state(newest(root, stage))
        self._silent: set[str] = set()
        self._began = self._sampled = time.monotonic()
        self._pause, self._next = EVERY_S, 0.0
        self._tracker: Tracker | None = None
        self._linked = ""
        self._over = threading.Event()
        self._failure: str | None = None
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), daemon=True)

    def started(self, pid: int) -> None:
        """The process of the stage is there."""
        self._tree = ProcessTree(pid)

    def progress(self, progress: Progress) -> None:
        self._progress = progress

    def start(self) -> None:
        self._thread.start()

    def end(self, failure: str | None) -> None:
        """The stage has ended. Waits a little for what is still to be sent."""
        self._failure = failure
        self._over.set()
        self._thread.join(LAST_S)

    def _run(self) -> None:
        while not self._over.wait(EVERY_S):
            self._sample()
            self._try(self._tell_prefect, "Prefect")
            if time.monotonic() >= self._next:
                self._send()
        self._try(self._tell_prefect, "Prefect")
        self._try(self._last_words if self._failure else self._tell_mlflow, "MLflow")

    def _sample(self) -> None:
        if self._tree is not None and time.monotonic() - self._sampled >= SAMPLE_S:
            self._sampled = time.monotonic()
            self._samples.append(
                (int(time.time() * 1000), int(self._sampled - self._began), self._tree.sample())
            )

    def _send(self) -> None:
        done = self._try(self._tell_mlflow, "MLflow")
        self._pause = EVERY_S if done else min(2 * self._pause, LONGEST_PAUSE_S)
        self._next = time.monotonic() + self._pause

    def _try(self, tell: Callable[[], None], server: str) -> bool:
        try:
            tell()
        except Exception as error:
            # Whatever a server does, the stage goes on.
            if server not in self._silent:
                self._say(f"{server} does not hear how {self._stage} is getting on: {error}")
            self._silent.add(server)
            return False
        return True

    def _tell_prefect(self) -> None:
        progress, self._progress = self._progress, None
        if progress is not None:
            self._artifact.update(progress)

    def _tell_mlflow(self) -> None:
        attempt = newest(self._root, self._stage)
        if attempt is None or _state(attempt) == self._earlier:
            return
        self._tracker = self._tracker or connect(self._root)
        run = live.open_run(self._tracker, attempt, self._prefect_run)
        live.deliver(self._tracker, attempt, run)
        waiting = list(self._samples)
        live.send_system(self._tracker, run, waiting)
        for _ in waiting:
            self._samples.popleft()
        if run != self._linked:
            link_to_run(self._stage, self._tracker, run)
            self._linked = run

    def _last_words(self) -> None:
        attempt = newest(self._root, self._stage)
        if attempt is not None and _state(attempt) != self._earlier:
            attempt.note_reason(self._failure or "")
        self._tell_mlflow()
        if attempt is not None and self._tracker is not None:
            live.end_badly(self._tracker, attempt, self._failure or "")


def deliver_earlier(root: Path, say: Callable[[str], None]) -> None:
    """Send what earlier processes could not, and end the runs of those that were killed.

    Args:
        say: is told that MLflow is away; then it waits on.
    """
    if not all_attempts(root):
        return
    try:
        with environment_of(_IMPATIENT), mlflow_errors():
            live.settle(connect(root), "its process ended without telling", at_work(root))
    except RegistryError as error:
        say(f"steps of earlier stages wait on the disk: {error.message}")


def _state(attempt: Attempt | None) -> tuple[Path, int] | None:
    return None if attempt is None else (attempt.path, attempt.path.stat().st_size)


@contextmanager
def watching(root: Path, stage: str, say: Callable[[str], None]) -> Iterator[Watch]:
    """Watch the stage that runs in the block."""
    with environment_of(_IMPATIENT), keeping_steps(root):
        watch = Watch(root, stage, say)
        watch.start()
        try:
            yield watch
        except BaseException as error:
            # SystemExit and KeyboardInterrupt have no words.
            watch.end(str(error) if isinstance(error, Exception) else "its process was asked to end")
            raise
        watch.end(None)


@contextmanager
def keeping_steps(root: Path) -> Iterator[None]:
    """A stage that is started in the block writes each of its steps where `watching` finds them."""
    with environment_of({steps.FOLDER: str(root / LIVE)}):
        yield
