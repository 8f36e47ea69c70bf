"""Files of judgements: whole or not there, and each judgement in one of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.collecting.export import begin_export, finish_export
from components.collecting.store import DATABASE, Store
from components.files import sha256_bytes, write_bytes
from flows.exports import exporting, json_lines

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
    with exporting(root / DATABASE, named):
        export = begin_export(store, everything=everything)
        if export is None:
            return {}
        for kind, rows in export.rows.items():
            if rows:
                content = json_lines(rows)
                path = place(kind, content)
                write_bytes(path, content)
                written[path] = len(rows)
        finish_export(store, export)
    return written
