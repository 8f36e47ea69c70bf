"""Blocks of a large file, sorted by several processes; in the order of the file, and never many at once."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

import polars as pl

from components.errors import FeedbackError
from components.feedback.parsing.block import Block
from components.feedback.sifting import Job, Sifted, sift
from components.workspace import environment_of

#: A smaller file is sorted sooner than other processes have started.
POOL_BYTES = 24 << 20
#: Blocks that wait for each process: more only hold memory.
_WAITING = 2
#: Polars computes with one thread: the processes are the threads. And memory of a block is kept for the next one: glibc
#: would hand it back and ask the kernel for it again.
_SETTINGS = {
    "POLARS_MAX_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(256 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
}

#: Blocks with their numbers.
Numbered = Iterable[tuple[int, Block]]


def sift_blocks(
    job: Job, blocks: Numbered, size: int, late: Mapping[int, pl.DataFrame] | None = None
) -> Iterator[Sifted]:
    """Each block, sorted.

    Args:
        size: bytes of the file as it lies on disk.
        late: by number of block, faults.FAULTS of rows that are sound by themselves.

    Raises:
        BatchError: of a block.
        FeedbackError: a process was killed.
    """
    late = late or {}
    if size < POOL_BYTES:
        yield from (_sift(job, number, block, late.get(number)) for number, block in blocks)
        return
    with _pool() as pool:
        tasks = (pool.submit(_sift, job, number, block, late.get(number)) for number, block in blocks)
        yield from _in_order(tasks, _WAITING * _processes())


def _sift(job: Job, number: int, block: Block, late: pl.DataFrame | None) -> Sifted:
    """Sort a block without Python's search for garbage in cycles: of millions of rows none is one, and it takes a
    third of the time.
    """
    gc.disable()
    try:
        return sift(job, number, block, late)
    finally:
        gc.enable()


def _in_order(tasks: Iterator[Future[Sifted]], waiting: int) -> Iterator[Sifted]:
    """Results in the order of the tasks, of which so many are under way."""
    under_way: deque[Future[Sifted]] = deque()
    for task in tasks:
        under_way.append(task)
        if len(under_way) > waiting:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


@contextmanager
def _pool() -> Iterator[ProcessPoolExecutor]:
    """Processes that end with this one, whatever ends it."""
    # Started afresh: polars' threads do not survive a fork.
    fresh = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(_processes(), fresh, initializer=_end_with_parent)
    try:
        with environment_of(_SETTINGS):
            yield pool
    except BrokenProcessPool:
        raise FeedbackError(
            "a process that sorted rows was killed; nothing was ingested",
            "see whether memory ran out, then run it again",
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _processes() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _end_with_parent() -> None:
    """A killed parent closes no queue: its workers would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_end, args=(parent,), daemon=True).start()


def _wait_and_end(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)
