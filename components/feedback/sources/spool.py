"""Files on the way into the ordinary ingestion: `.rlhf/spool/`, one folder a run, gone when the run ends."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import FeedbackError
from components.locks import exclusive
from components.workspace import STATE

_LOCK = "lock"
_MAX_NAME = 80


@dataclass(frozen=True)
class Delivery:
    """A file that the ordinary ingestion takes.

    Attributes:
        path: in the spool, or, where the source is itself a file that can be read as it is, that file.
        shown: what a person knows it by, if not by its own name; ends as that does.
        format: of its reader, or None to tell it by the columns.
    """

    path: Path
    shown: str | None = None
    format: str | None = None


@contextmanager
def spool(root: Path) -> Iterator[Path]:
    """A folder of its own for the block. What killed runs left is swept: their locks fell with them.

    Raises:
        FeedbackError: the disk refuses.
    """
    spools = root / STATE / "spool"
    folder = spools / uuid.uuid4().hex
    with ExitStack() as until_the_end:
        until_the_end.callback(shutil.rmtree, folder, ignore_errors=True)
        # Under a lock of all, so that a folder that nobody holds is a leftover.
        with _disk_errors(spools), exclusive(spools / _LOCK):
            _sweep(spools)
            until_the_end.enter_context(exclusive(folder / _LOCK))
        yield folder


class RowFile:
    """A file of JSON lines in the spool: the same bytes for the same rows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        with _disk_errors(path):
            self._handle = path.open("wb")

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row.

        Raises:
            FeedbackError: the disk refuses.
        """
        with _disk_errors(self.path):
            self._handle.write(line_of(row))
        self.rows += 1

    def close(self) -> None:
        with _disk_errors(self.path):
            self._handle.close()


def line_of(row: Mapping[str, Any]) -> bytes:
    """One line. NaN is written as it is: ingestion refuses the row, and says so."""
    try:
        return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"
    except UnicodeEncodeError:
        # Half of a surrogate pair: as an escape it costs this row, as bytes the whole file.
        return json.dumps(row, separators=(",", ":")).encode("ascii") + b"\n"


def file_name(*parts: str) -> str:
    """A name for a file in the spool, from what strangers named."""
    slug = re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")
    return f"{slug[:_MAX_NAME].strip('-') or 'feedback'}.jsonl"


def _sweep(spools: Path) -> None:
    for folder in spools.iterdir():
        if folder.is_dir() and not _is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_held(folder: Path) -> bool:
    try:
        with exclusive(folder / _LOCK, wait=False):
            return False
    except BlockingIOError:
        return True


@contextmanager
def _disk_errors(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"cannot write {place}: {error.strerror or error}"
        raise FeedbackError(
            what, "make room on the disk or mend its permissions, then run it again"
        ) from None
