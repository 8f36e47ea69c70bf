"""CSV as RFC 4180 has it: every value is text, and a record's line is the physical line it begins on."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from components.feedback.parsing.record import Parsed, Record, long_record, too_long
from components.feedback.reasons import BatchError, Reason, RowError


class _Lines:
    """Hands lines to the csv module and remembers those of the record that is being read."""

    def __init__(self, text: str) -> None:
        self._source = io.StringIO(text, newline="")
        self._taken: list[str] = []
        self.count = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._source)
        self._taken.append(line)
        self.count += 1
        return line

    def take(self) -> str:
        raw, self._taken = "".join(self._taken), []
        return raw.rstrip("\r\n")


def parse_csv(name: str, text: str) -> Parsed:
    """The rows below the header; blank lines are none.

    Raises:
        BatchError: EMPTY, DUP_KEY for a column named twice, TRUNCATED when the file ends inside quotes.
    """
    with _no_field_limit():
        lines = _Lines(text)
        rows = csv.reader(lines, strict=True)
        header = _header(name, rows)
        lines.take()
        records = list(_records(name, lines, rows, header))
    return Parsed(records, frozenset(header), textual=True)


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
