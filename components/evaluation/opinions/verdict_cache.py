"""Verdicts that were paid for, a line each: a run that is killed goes on with them, and nothing is asked twice."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from components.errors import BusyError
from components.locks import exclusive


@dataclass(frozen=True)
class Given:
    """A verdict: "a", "b", "tie", or None where the reply held none; and the model that the server says it was."""

    verdict: str | None
    model: str


class VerdictCache:
    """By key. `put` may be called by many threads; what it returned from is on the disk."""

    def __init__(self, handle: BinaryIO, known: dict[str, Given]) -> None:
        self._handle = handle
        self._known = known
        self._lock = Lock()

    def get(self, key: str) -> Given | None:
        return self._known.get(key)

    def put(self, key: str, given: Given) -> None:
        with self._lock:
            self._handle.write(json.dumps({"key": key, **asdict(given)}).encode("ascii") + b"\n")
            self._handle.flush()
            os.fsync(self._handle.fileno())
            self._known[key] = given


@contextmanager
def opened_cache(path: Path) -> Iterator[VerdictCache]:
    """The cache in this file, for one process at a time.

    Raises:
        BusyError: another process judges in this workspace.
    """
    with ExitStack() as held:
        try:
            held.enter_context(exclusive(path.with_suffix(".lock"), wait=False))
        except BlockingIOError:
            raise BusyError(
                "another process asks an LLM in this workspace", "wait until it has ended"
            ) from None
        known = _read(path)
        handle = held.enter_context(path.open("ab"))
        if handle.tell() and path.read_bytes()[-1:] != b"\n":
            handle.write(b"\n")  # ends the line that a kill broke off
        yield VerdictCache(handle, known)


def _read(path: Path) -> dict[str, Given]:
    known = {}
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
            given = Given(record["verdict"], record["model"])
        except (ValueError, KeyError, TypeError):
            continue  # broken off by a kill: it is asked again
        if given.verdict in ("a", "b", "tie", None):
            known[record["key"]] = given
    return known
