"""One thread that answers with one version, one question after the other, and a short queue before it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Protocol

from components.errors import BusyError, RlhfError
from components.serving.keeper import Keeper
from components.serving.question import Event, Failed, Finished, Question, Started
from components.serving.version import ServedVersion
from components.serving.writing import write_answers


class Job(Protocol):
    """A question, and who waits for what comes of it.

    Attributes:
        measured: whether score, stars and tokens are wanted.
    """

    question: Question
    measured: bool

    def is_cancelled(self) -> bool:
        """Whether nobody waits any more; asked before the first token and after each."""
        ...

    def tell(self, event: Event | None) -> None:
        """Called by the worker's thread; None is the last."""
        ...


class Worker:
    """Answers with what a keeper keeps."""

    def __init__(self, keeper: Keeper, room: int, warn: Callable[[str], object]) -> None:
        """Args: room: how many questions may wait; warn: is told why an answer failed."""
        self._keeper, self._warn, self._room = keeper, warn, room
        self._jobs: deque[Job] = deque()
        self._come = threading.Condition()
        # A daemon: what it writes is lost with the process, and is nowhere yet.
        threading.Thread(target=self._run, name=f"answers of {keeper.kind}", daemon=True).start()

    def submit(self, job: Job) -> None:
        """Take a question in.

        Raises:
            BusyError: too many wait already.
        """
        with self._come:
            if len(self._jobs) >= self._room:
                # Whoever has gone meanwhile keeps nobody's place.
                self._jobs = deque(each for each in self._jobs if not each.is_cancelled())
            if len(self._jobs) >= self._room:
                what = f"{self._room} questions wait for the {self._keeper.kind} already"
                raise BusyError(what, "ask again in a moment")
            self._jobs.append(job)
            self._come.notify()

    def _run(self) -> None:
        while True:
            job = self._next()
            if not job.is_cancelled():
                self._answer(job)
            # Not kept while the next one is awaited: it holds a request.
            del job

    def _next(self) -> Job:
        with self._come:
            self._come.wait_for(lambda: self._jobs)
            return self._jobs.popleft()

    def _answer(self, job: Job) -> None:
        try:
            with closing(_events(self._keeper.current(), job)) as events:
                for event in events:
                    job.tell(event)
                    if job.is_cancelled():
                        break
        except RlhfError as error:
            self._fail(job, "; ".join(filter(None, (error.message, error.remedy))))
        except Exception as error:
            self._fail(job, f"{type(error).__name__}: {error}")
        finally:
            job.tell(None)

    def _fail(self, job: Job, reason: str) -> None:
        """The reason is for the terminal: it may name files of this machine, and anybody may ask."""
        job.tell(Failed(f"the {self._keeper.kind} failed; the reason stands on the terminal of this server"))
        self._warn(f"an answer failed: {reason}")


def _events(served: ServedVersion, job: Job) -> Generator[Event]:
    yield Started(served.label)
    with closing(write_answers(served, job.question)) as written:
        for event in written:
            yield event
            if job.measured and isinstance(event, Finished):
                measured = served.judge(job.question, event)
                if measured is not None:
                    yield measured
