"""Questions of HTTP requests: from the worker's thread to the event loop, and the end where nobody listens any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress

from starlette.requests import Request

from components.serving.question import Event, Question
from components.serving.worker import Worker


class _Job:
    def __init__(self, question: Question, measured: bool) -> None:
        self.question, self.measured = question, measured
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._cancelled = threading.Event()

    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        self._cancelled.set()
        self._events.put_nowait(None)

    def tell(self, event: Event | None) -> None:
        # A loop that has ended belongs to a server that has.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)

    async def next(self) -> Event | None:
        return await self._events.get()


async def ask(
    request: Request, worker: Worker, question: Question, *, measured: bool = False
) -> AsyncGenerator[Event]:
    """What comes of a question. The answer ends where the client goes away, or this generator is closed.

    Args:
        request: whose body has been read.

    Raises:
        BusyError: too many wait already; before anything else.
    """
    job = _Job(question, measured)
    worker.submit(job)
    watcher = asyncio.create_task(_watch(request, job))
    try:
        while (event := await job.next()) is not None:
            yield event
    finally:
        job.cancel()
        watcher.cancel()


async def _watch(request: Request, job: _Job) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    job.cancel()
