"""Files of feedback that leave the workspace's databases: whole or not there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.errors import BusyError, FeedbackError
from components.feedback.printable import printable
from components.locks import exclusive


@contextmanager
def exporting(database: Path, named: Sequence[Path] = ()) -> Iterator[None]:
    """Let one export of a database be at work in the block.

    Args:
        named: files that it will write under names that a person gave.

    Raises:
        BusyError: another export is at work.
        FeedbackError: one of the files is there already.
    """
    try:
        with exclusive(database.with_suffix(".export.lock"), wait=False):
            check_free(named)
            yield
    except BlockingIOError:
        raise BusyError("another export is at work", "wait for it, then give the command again") from None


def json_lines(rows: Iterable[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8")


def check_free(named: Sequence[Path]) -> None:
    """Pass names that nothing has: judgements in a file that was replaced would count as exported, and be nowhere."""
    if taken := next((path for path in named if os.path.lexists(path)), None):
        remedy = "give a name that is not taken; what is in that file may not have been ingested yet"
        raise FeedbackError(f"{printable(str(taken))} is there already, and nothing was written", remedy)
