"""CSV as RFC 4180 has it: every value is text, and a record's line is the physical line it begins on."""

from __future__ import annotations

import codecs
import csv
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from components.feedback.parsing.block import BLOCK_BYTES, Block, cut
from components.feedback.parsing.record import Record, long_record, too_long
from components.feedback.parsing.streams import PlainStream
from components.feedback.parsing.utf8 import not_utf8, sound_part
from components.feedback.reasons import BatchError, Reason, RowError

#: Neither a line nor a record is read further: quotes that never close would take in the whole file.
_MOST_CHARS = 128 << 20


class _Lines:
    """Hands lines to the csv module and remembers those of the record that is being read."""

    def __init__(self, name: str, stream: PlainStream) -> None:
        self._name = name
        self._source = _physical_lines(name, stream)
        self._taken: list[str] = []
        self._chars = 0
        self.count = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._source)
        self._taken.append(line)
        self._chars += len(line)
        self.count += 1
        if self._chars > _MOST_CHARS:
            raise _endless(self._name, self.count - len(self._taken) + 1)
        return line

    def take(self) -> str:
        raw, self._taken, self._chars = "".join(self._taken), [], 0
        return raw.rstrip("\r\n")


def _physical_lines(name: str, stream: PlainStream) -> Iterator[str]:
    """Lines with their ends: CR LF, LF or CR, also where a chunk ends between CR and LF."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    count, rest = 1, ""
    while True:
        chunk = stream.read(BLOCK_BYTES)
        try:
            text = rest + decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise _bad_byte(name, count, rest, error) from None
        # What may go on is kept: the last line, and a CR whose LF may come.
        lines = _split(text)
        rest = lines.pop() if chunk and lines else ""
        for line in lines:
            count += 1
            yield line
        if not chunk:
            return
        if len(rest) > _MOST_CHARS:
            raise _endless(name, count)


def _bad_byte(name: str, line: int, rest: str, error: UnicodeDecodeError) -> BatchError:
    """Something in the place of the byte shows on which line it stands, also right behind the end of one."""
    *whole, broken = _split(rest + sound_part(error).decode("utf-8") + "?")
    return not_utf8(name, line + len(whole), broken[:-1].encode("utf-8"))


def _split(text: str) -> list[str]:
    """As str.splitlines with its ends, but at CR and LF alone."""
    return list(io.StringIO(text, newline=""))


def csv_blocks(name: str, stream: PlainStream) -> tuple[frozenset[str], Iterator[Block]]:
    """The columns, and the rows below the header; blank lines are none.

    Raises:
        BatchError: EMPTY, DUP_KEY for a column named twice, TRUNCATED when the file ends inside quotes.
    """
    with _no_field_limit():
        lines = _Lines(name, stream)
        rows = csv.reader(lines, strict=True)
        header = _header(name, rows)
        lines.take()
    return frozenset(header), _blocks(_records(name, lines, rows, header))


def _blocks(records: Iterator[Record]) -> Iterator[Block]:
    with _no_field_limit():
        yield from cut(records)


def _endless(name: str, line: int) -> BatchError:
    what = f"{name}: the record that begins on line {line} is longer than {_MOST_CHARS} characters"
    return BatchError(Reason.TRUNCATED, what, "close its quotes, or shorten it")


def _header(name: str, rows: Iterator[list[str]]) -> list[str]:
    try:
        header = [column.strip() for column in next(filter(None, rows), [])]
    except csv.Error as error:
        remedy = "write the column names on the first line, separated by commas"
        raise BatchError(Reason.MISSING_COL, f"{name}: the header is not CSV: {error}", remedy) from None
    if not header:
        raise BatchError(Reason.EMPTY, f"{name} holds blank lines alone", "send the file again")
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        what = f"{name} has more than one column named {twice[0][:40]!a}"
        raise BatchError(Reason.DUP_KEY, what, "rename or drop all but one")
    return header


def _records(name: str, lines: _Lines, rows: Iterator[list[str]], header: list[str]) -> Iterator[Record]:
    while True:
        line = lines.count + 1
        try:
            values = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield _unreadable(name, line, lines.take(), str(error))
            continue
        raw = lines.take()
        if values:
            yield _record(line, raw, values, header)


def _record(line: int, raw: str, values: list[str], header: list[str]) -> Record:
    if too_long(raw):
        return long_record(line, raw)
    if len(values) != len(header):
        what = f"the record has {len(values)} fields, the header {len(header)}"
        return Record(line, raw, fault=RowError(Reason.CSV, "", what))
    return Record(line, raw, dict(zip(header, values, strict=True)))


def _unreadable(name: str, line: int, raw: str, error: str) -> Record:
    # The csv module says so when the text ends while a quote is open; what follows the quote is lost.
    if "unexpected end of data" in error:
        what = f"{name} ends inside the quotes of a record that begins on line {line}"
        raise BatchError(Reason.TRUNCATED, what, "close the quotes, or send the whole file again")
    fault = RowError(Reason.CSV, "", f"the record is not CSV: {error}")
    return long_record(line, raw) if too_long(raw) else Record(line, raw, fault=fault)


@contextmanager
def _no_field_limit() -> Iterator[None]:
    """The csv module's limit breaks off a file in its middle; ours is checked once a record is read."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)
