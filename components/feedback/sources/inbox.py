"""A folder that is watched: which files in it are complete, and where they go when they were taken in.

It is polled. Notices of the kernel (inotify) do not come from network folders, which inboxes often are; and that
a file is complete is a matter of time in any case.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from components.errors import BusyError, FeedbackError
from components.feedback.declaration import SUFFIXES
from components.feedback.sources.names import file_in, free_name, is_there
from components.files import write_bytes, write_json
from components.locks import exclusive

Outcome = Literal["done", "failed"]
OUTCOMES: tuple[Outcome, ...] = ("done", "failed")

#: Names of files that somebody still writes.
UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload", "~")
#: `x.jsonl.done` says that x.jsonl is complete.
MARKER = ".done"
REPORT, PAGE = ".report.json", ".report.html"
#: A file that could not be taken is tried again after so long.
RETRY_S = 60.0
_LOCK = ".rlhf-inbox.lock"


@dataclass(frozen=True)
class Seen:
    """A file as it stood."""

    inode: int
    size: int
    modified_ns: int

    @classmethod
    def at(cls, path: Path) -> Seen | None:
        """None where there is no regular file."""
        try:
            found = path.lstat()
        except OSError:
            # It is gone; or its name is longer than names may be, as that of a marker can.
            return None
        regular = stat.S_ISREG(found.st_mode)
        return cls(found.st_ino, found.st_size, found.st_mtime_ns) if regular else None


@dataclass(frozen=True)
class Arrival:
    """A complete file."""

    path: Path
    seen: Seen


class Inbox:
    """The files of a folder, as several looks at it see them.

    Args:
        settle_s: a file is complete when two looks so far apart found it the same, or its marker is there.
        tell: takes a sentence about what is left in place, once for each reason.
        clock: seconds that only grow.

    Attributes:
        unfinished: names of files that the last look found incomplete.
        left: names of files that could not be taken, and why.
    """

    def __init__(
        self,
        folder: Path,
        settle_s: float,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self.settle_s = settle_s
        self.unfinished: list[str] = []
        self.left: dict[str, str] = {}
        self._tell = tell
        self._clock = clock
        self._since: dict[str, tuple[list[Seen | None], float]] = {}
        self._not_before: dict[str, float] = {}
        self._told: set[tuple[str, str]] = set()

    def look(self) -> list[Arrival]:
        """The files that are complete now, by name."""
        with os.scandir(self.folder) as entries:
            names = sorted(entry.name for entry in entries if not _is_ours(entry.name))
        self._since = {name: seen for name, seen in self._since.items() if name in names}
        self.unfinished = []
        return [arrival for name in names if (arrival := self._arrival(name))]

    def leave(self, arrival: Arrival, why: str) -> None:
        """Let a file lie where it is, and try it again later."""
        self._not_before[arrival.path.name] = self._clock() + RETRY_S
        self.left[arrival.path.name] = why
        self._say(arrival.path.name, why)

    def _arrival(self, name: str) -> Arrival | None:
        path = self.folder / name
        seen = Seen.at(path)
        if seen is None:
            if is_there(path):
                self._say(name, "is a link, a folder or something else that is no file")
            return None
        if self._clock() < self._not_before.get(name, 0.0):
            return None
        if not self._is_complete(path, seen):
            self.unfinished.append(name)
            return None
        self._not_before.pop(name, None)
        return Arrival(path, seen)

    def _is_complete(self, path: Path, seen: Seen) -> bool:
        now = self._clock()
        state = [seen, *map(Seen.at, _declarations(path))]
        before, since = self._since.get(path.name, (None, now))
        if before != state:
            since = now
        self._since[path.name] = state, since
        return now - since >= self.settle_s or Seen.at(_marker(path)) is not None

    def _say(self, name: str, why: str) -> None:
        if (name, why) not in self._told:
            self._told.add((name, why))
            self._tell(f"{name} {why}; it is left where it is")


@contextmanager
def watching(folder: Path) -> Iterator[None]:
    """One process empties an inbox; the folders `done` and `failed` are there for the block.

    Raises:
        BusyError: another one is at it.
        FeedbackError: nothing can be written there.
    """
    with ExitStack() as until_the_end:
        try:
            until_the_end.enter_context(exclusive(folder / _LOCK, wait=False))
            for outcome in OUTCOMES:
                _sweep(_folder_of(folder, outcome))
        except BlockingIOError:
            raise BusyError(f"another process watches {folder}", "let one of them do it") from None
        except OSError as error:
            what = f"{folder} cannot be an inbox: {error.strerror or error}"
            remedy = "let this user write there: files are moved when they were taken"
            raise FeedbackError(what, remedy) from None
        yield


def put_away(
    arrival: Arrival, outcome: Outcome, report: Mapping[str, Any], page: Path | None = None
) -> Path | None:
    """Move a file that was taken in to `done` or `failed`, its report beside it; returns where it lies now.

    The move is the last step: a kill before leaves the file where it was, to be taken again, which changes
    nothing. What the sender declared of it goes along. None where the file is no longer the one that was taken:
    then it stays, and is one more arrival.

    Args:
        report: with `batch`, which tells whose an earlier report is.
        page: the same for people, copied beside it where there is one.
    """
    if Seen.at(arrival.path) != arrival.seen:
        return None
    folder = _folder_of(arrival.path.parent, outcome)
    target = folder / free_name(folder, arrival.path.name, REPORT, str(report["batch"]))
    said = _write_beside(target, arrival, report, page)
    if Seen.at(_marker(arrival.path)):
        # Before the move: a marker without its file would make the next file of this name look complete.
        _marker(arrival.path).unlink()
    arrival.path.rename(target)
    if Seen.at(target) != arrival.seen:
        _take_back(target, arrival)
        return None
    # After it: a file that is taken again must be held against what was said of it.
    for path in said:
        path.unlink(missing_ok=True)
    return target


def _write_beside(target: Path, arrival: Arrival, report: Mapping[str, Any], page: Path | None) -> list[Path]:
    """Write what goes with the file that will be `target`; returns the sender's declarations, now copied."""
    write_json(report_of(target), dict(report))
    if page is not None and page.exists():
        write_bytes(page_of(target), page.read_bytes())
    pairs = zip(_declarations(arrival.path), _declarations(target), strict=True)
    said = [(path, copy) for path, copy in pairs if Seen.at(path)]
    for path, copy in said:
        write_bytes(copy, path.read_bytes())
    return [path for path, _ in said]


def _take_back(target: Path, arrival: Arrival) -> None:
    """Another file took the arrival's name between the look and the move: it goes back to where it was."""
    target.rename(file_in(arrival.path.parent, arrival.path.name))
    for about in (report_of(target), page_of(target), *_declarations(target)):
        about.unlink(missing_ok=True)


def report_of(path: Path) -> Path:
    """Where the report of a file that was put away lies."""
    return path.with_name(f"{path.name}{REPORT}")


def page_of(path: Path) -> Path:
    """Where the page about a file that was put away lies."""
    return path.with_name(f"{path.name}{PAGE}")


def _folder_of(inbox: Path, outcome: Outcome) -> Path:
    folder = inbox / outcome
    folder.mkdir(exist_ok=True)
    return folder


def _sweep(folder: Path) -> None:
    """Remove reports that a killed run had not finished."""
    for leftover in folder.glob(".*.report.*.tmp"):
        leftover.unlink(missing_ok=True)


def _marker(path: Path) -> Path:
    return path.with_name(f"{path.name}{MARKER}")


def _declarations(path: Path) -> list[Path]:
    """Where the sender may have said what the file holds; it goes where the file goes."""
    return [path.with_name(f"{path.name}{suffix}") for suffix in SUFFIXES]


def _is_ours(name: str) -> bool:
    """Whether a name is not that of an arrival: hidden, unfinished, said of another, or a folder of what was taken."""
    return name.startswith(".") or name.lower().endswith((*UNFINISHED, MARKER, *SUFFIXES)) or name in OUTCOMES
