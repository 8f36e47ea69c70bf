"""What a file is, by its name and its first bytes; where the two disagree it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from components.feedback.parsing.streams import plain_stream
from components.feedback.parsing.utf8 import BYTE_ORDER_MARK
from components.feedback.reasons import BatchError, Reason
from components.feedback.rules.files import HEAD_BYTES, check_file_name, check_no_pickle

Form = Literal["lines", "array", "csv", "parquet"]

#: Extension -> how its content is parsed.
SUFFIXES = {".jsonl": "lines", ".ndjson": "lines", ".json": "json", ".csv": "csv", ".parquet": "parquet"}
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_ARCHIVES = (_GZIP, b"PK\x03\x04", b"BZh", b"\xfd7zXZ\x00", b"(\xb5/\xfd", b"7z\xbc\xaf\x27\x1c")
#: Enough to see what a text begins with, behind blank lines.
_FIRST_BYTES = 1 << 16


@dataclass(frozen=True)
class Envelope:
    """A file that is what its name says.

    Attributes:
        name: as people know the file, for messages.
        form: how its plain content is parsed; a .json file holds an array or lines.
        zipped: whether its content is gzip.
    """

    name: str
    path: Path
    form: Form
    zipped: bool


def examine(name: str, path: Path) -> Envelope:
    """What a file is.

    Args:
        name: the file's name as given; its extension counts.
        path: where its bytes lie.

    Raises:
        BatchError: PATH, MAGIC, PICKLE, TRUNCATED, DAMAGED, BOMB, ARCHIVE or EMPTY.
    """
    check_file_name(name)
    said, zipped = _said(name)
    _check_wrapping(name, path, zipped)
    with plain_stream(name, path, zipped) as stream:
        start = stream.peek(_FIRST_BYTES)
    if not start:
        raise BatchError(Reason.EMPTY, f"{name} is empty", "send the file again: nothing arrived")
    _check_magic(name, said, start)
    if said == "parquet":
        _check_parquet_end(name, path, zipped)
    return Envelope(name, path, _form(name, said, start), zipped)


def _said(name: str) -> tuple[str, bool]:
    lower = name.lower()
    zipped = lower.endswith(".gz")
    stem = lower.removesuffix(".gz")
    for suffix, form in SUFFIXES.items():
        if stem.endswith(suffix):
            return form, zipped
    known = ", ".join(SUFFIXES)
    raise BatchError(
        Reason.MAGIC, f"{name} has no extension that is known", f"name it {known}, or one with .gz"
    )


def _check_wrapping(name: str, path: Path, zipped: bool) -> None:
    with path.open("rb") as handle:
        start = handle.read(len(_GZIP))
    if not start:
        raise BatchError(Reason.EMPTY, f"{name} is empty", "send the file again: nothing arrived")
    if zipped != (start == _GZIP):
        what = "ends in .gz but holds no gzip" if zipped else "holds gzip but does not end in .gz"
        raise BatchError(Reason.MAGIC, f"{name} {what}", "give the file the extension of what it holds")


def _check_magic(name: str, said: str, start: bytes) -> None:
    check_no_pickle(name, start[:HEAD_BYTES])
    if start.startswith(_ARCHIVES):
        raise BatchError(Reason.ARCHIVE, f"{name} holds an archive", "unpack it and send each file by itself")
    holds_parquet = start.startswith(_PARQUET)
    if said == "parquet" and not holds_parquet:
        raise BatchError(Reason.MAGIC, f"{name} is not Parquet", "give it the extension of what it holds")
    if said != "parquet" and holds_parquet:
        raise BatchError(Reason.MAGIC, f"{name} holds Parquet", "name it .parquet")


def _check_parquet_end(name: str, path: Path, zipped: bool) -> None:
    """Parquet's index stands at its end. What is gzipped besides is seen when it is unpacked."""
    if zipped:
        return
    with path.open("rb") as handle:
        handle.seek(max(0, path.stat().st_size - len(_PARQUET)))
        if handle.read() != _PARQUET:
            what = f"{name} lacks the end of a Parquet file"
            raise BatchError(Reason.TRUNCATED, what, "send the whole file again")


def _form(name: str, said: str, start: bytes) -> Form:
    first = start.removeprefix(BYTE_ORDER_MARK).lstrip()[:1]
    if (said == "csv" and first in (b"{", b"[")) or (said == "lines" and first == b"["):
        remedy = "name it .json if it is one JSON array, .jsonl if each line is an object"
        raise BatchError(Reason.MAGIC, f"{name} begins like JSON of another form", remedy)
    if said == "json":
        return "array" if first == b"[" else "lines"
    return "parquet" if said == "parquet" else "csv" if said == "csv" else "lines"
