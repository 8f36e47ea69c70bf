"""From the bytes of a file to its plain content: what its name says, gzip unpacked with care, UTF-8."""

from __future__ import annotations

import gzip
import io
import zlib

from components.feedback.limits import EXPANSION_FLOOR_BYTES, MAX_BATCH_BYTES, MAX_EXPANSION
from components.feedback.reasons import BatchError, Reason

#: Extension -> how its content is parsed.
SUFFIXES = {".jsonl": "lines", ".ndjson": "lines", ".json": "json", ".csv": "csv", ".parquet": "parquet"}
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_ARCHIVES = (_GZIP, b"PK\x03\x04", b"BZh", b"\xfd7zXZ\x00", b"(\xb5/\xfd", b"7z\xbc\xaf\x27\x1c")


def unwrap(name: str, content: bytes) -> tuple[str, bytes]:
    """How to parse the file ("lines", "json", "csv" or "parquet") and its unpacked content.

    Raises:
        BatchError: MAGIC, TRUNCATED, DAMAGED, BOMB, ARCHIVE or EMPTY.
    """
    form, zipped = _form(name)
    if zipped != content.startswith(_GZIP) and content:
        what = "ends in .gz but holds no gzip" if zipped else "holds gzip but does not end in .gz"
        raise BatchError(Reason.MAGIC, f"{name} {what}", "give the file the extension of what it holds")
    plain = _gunzip(name, content) if zipped and content else content
    if not plain:
        raise BatchError(Reason.EMPTY, f"{name} is empty", "send the file again: nothing arrived")
    _check_content(name, form, plain)
    return form, plain


def decode(name: str, content: bytes) -> str:
    """The content as text; a byte order mark is no part of it.

    Raises:
        BatchError: ENCODING.
    """
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"{name} line {line} is not UTF-8 (byte {error.start + 1} of the file)"
        raise BatchError(Reason.ENCODING, what, "save the file as UTF-8") from None


def _form(name: str) -> tuple[str, bool]:
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


def _gunzip(name: str, content: bytes) -> bytes:
    limit = min(MAX_BATCH_BYTES, max(EXPANSION_FLOOR_BYTES, MAX_EXPANSION * len(content)))
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            plain = stream.read(limit + 1)
    except EOFError:
        what, remedy = f"{name} ends before its gzip stream does", "send the whole file again"
        raise BatchError(Reason.TRUNCATED, what, remedy) from None
    except (OSError, zlib.error) as error:
        raise BatchError(Reason.DAMAGED, f"{name} is damaged gzip: {error}", "send the file again") from None
    if len(plain) > limit:
        remedy = "check what it holds; split it if it is feedback"
        raise BatchError(Reason.BOMB, f"{name} expands to more than {limit} bytes", remedy)
    return plain


def _check_content(name: str, form: str, plain: bytes) -> None:
    if plain.startswith(_ARCHIVES):
        raise BatchError(Reason.ARCHIVE, f"{name} holds an archive", "unpack it and send each file by itself")
    holds_parquet = plain.startswith(_PARQUET)
    if form == "parquet" and not holds_parquet:
        raise BatchError(Reason.MAGIC, f"{name} is not Parquet", "give it the extension of what it holds")
    if form == "parquet" and not plain.endswith(_PARQUET):
        raise BatchError(
            Reason.TRUNCATED, f"{name} lacks the end of a Parquet file", "send the whole file again"
        )
    if form != "parquet" and holds_parquet:
        raise BatchError(Reason.MAGIC, f"{name} holds Parquet", "name it .parquet")
    start = plain.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if (form == "csv" and start in (b"{", b"[")) or (form == "lines" and start == b"["):
        remedy = "name it .json if it is one JSON array, .jsonl if each line is an object"
        raise BatchError(Reason.MAGIC, f"{name} begins like JSON of another form", remedy)
