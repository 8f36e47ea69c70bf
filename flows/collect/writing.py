"""Files of judgements: whole or not there, and each judgement in one of them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.collecting.export import begin_export, finish_export
from components.collecting.store import DATABASE, Store
from components.errors import BusyError, FeedbackError
from components.feedback.printable import printable
from components.files import sha256_bytes, write_bytes
from components.locks import exclusive

#: What the files of the other kinds are called beside that of the pairs.
_ENDINGS = {"pairwise": "", "edit": ".edits", "rating": ".ratings"}


def write_export(root: Path, file: Path, *, everything: bool = False) -> dict[Path, int]:
    """Write what was not exported before; each file with its number of rows.

    Args:
        file: of the pairs; edits and ratings go beside it, for a file of feedback has one format.

    Raises:
        BusyError: another export is at work.
        FeedbackError: one of the files is there already.
    """
    places = {kind: file.with_name(f"{file.stem}{ending}{file.suffix}") for kind, ending in _ENDINGS.items()}
    return _export(root, everything, lambda kind, _: places[kind], list(places.values()))


def write_to_inbox(root: Path, inbox: Path, *, everything: bool = False) -> dict[Path, int]:
    """As `write_export`, into a watched folder, under names that their content gives."""
    return _export(
        root, everything, lambda kind, content: inbox / f"collect-{kind}-{sha256_bytes(content)[:16]}.jsonl"
    )


def _export(root: Path, everything: bool, place: Any, named: Sequence[Path] = ()) -> dict[Path, int]:
    written: dict[Path, int] = {}
    store = Store(root / DATABASE)
    try:
        with exclusive((root / DATABASE).with_suffix(".export.lock"), wait=False):
            check_free(named)
            export = begin_export(store, everything=everything)
            if export is None:
                return {}
            for kind, rows in export.rows.items():
                if rows:
                    content = lines_of(rows)
                    path = place(kind, content)
                    write_bytes(path, content)
                    written[path] = len(rows)
            finish_export(store, export)
    except BlockingIOError:
        raise BusyError("another export is at work", "wait for it, then give the command again") from None
    return written


def check_free(named: Sequence[Path]) -> None:
    """Pass names that nothing has: judgements in a file that was replaced would count as exported, and be nowhere."""
    if taken := next((path for path in named if os.path.lexists(path)), None):
        remedy = "give a name that is not taken; what is in that file may not have been ingested yet"
        raise FeedbackError(f"{printable(str(taken))} is there already, and nothing was written", remedy)


def lines_of(rows: Sequence[dict[str, Any]]) -> bytes:
    """JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8")
