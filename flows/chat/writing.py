"""Thumbs on their way out: files that `rlhf ingest` takes as they are, each thumb in one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from components.files import sha256_bytes, write_bytes
from components.serving.thumbs import DATABASE, Thumbs
from flows.exports import exporting, json_lines


def write_export(root: Path, file: Path, *, everything: bool = False) -> dict[Path, int]:
    """Write what was not exported before; the file with its number of rows, or nothing.

    Raises:
        BusyError: another export is at work.
        FeedbackError: the file is there already.
    """
    return _export(root, everything, lambda _: file, [file])


def write_to_inbox(root: Path, inbox: Path, *, everything: bool = False) -> dict[Path, int]:
    """As `write_export`, into a watched folder, under a name that the content gives."""
    return _export(
        root, everything, lambda content: inbox / f"chat-thumbs-{sha256_bytes(content)[:16]}.jsonl"
    )


def _export(
    root: Path, everything: bool, place: Callable[[bytes], Path], named: Sequence[Path] = ()
) -> dict[Path, int]:
    thumbs = Thumbs(root / DATABASE)
    with exporting(root / DATABASE, named):
        export = thumbs.begin_export(everything=everything)
        if export is None:
            return {}
        number, rows = export
        content = json_lines(rows)
        path = place(content)
        write_bytes(path, content)
        thumbs.finish_export(number)
    return {path: len(rows)}
