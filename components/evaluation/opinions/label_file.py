"""A labelled file that came back from people: believed in nothing but what is checked, row by row."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import DataError

#: Of the file: a batch of people's labels is small.
MOST_BYTES = 64 << 20
PREFERRED = ("a", "b", "tie")
_NEEDED = ("batch", "id", "annotator", "preferred")
_NAME = re.compile("[0-9a-f]{16}")
_MOST_NAME = 200


@dataclass(frozen=True)
class Label:
    """What one person said of one pair. place: the row's id; preferred: "a", "b" or "tie"."""

    place: str
    annotator: str
    preferred: str


@dataclass(frozen=True)
class Row:
    """A record of the file, and where it stands (the line it ends on)."""

    line: int
    values: Mapping[str, Any]


def read_rows(path: Path) -> list[Row]:
    """All records, as CSV or JSONL by the file's name.

    Raises:
        DataError: it cannot be read; says where.
    """
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path.name} is larger than {MOST_BYTES:,} bytes", "send the labels of one batch")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 at byte {error.start}", "save it as UTF-8") from None
    rows = list(_csv(path, text) if path.suffix.lower() == ".csv" else _jsonl(path, text))
    if not rows:
        raise DataError(f"{path.name} holds no rows", "send the labelled file")
    return rows


def batch_of(path: Path, rows: list[Row]) -> str:
    """The one batch that all rows belong to."""
    first = _field(path, rows[0], "batch")
    for row in rows:
        value = _field(path, row, "batch")
        if value != first or not _NAME.fullmatch(value):
            raise _fault(
                path, row, "batch", f"{value[:40]!a} is not the batch", "send one batch a file, as exported"
            )
    return first


def labels_of(path: Path, rows: list[Row], places: Collection[str]) -> list[Label]:
    """What was labelled; rows with nothing in `preferred` are not yet.

    Raises:
        DataError: the first row that is wrong, with line, field and remedy.
    """
    labels, seen = [], dict[tuple[str, str], int]()
    for row in rows:
        place, annotator, preferred = (_field(path, row, name) for name in ("id", "annotator", "preferred"))
        if place not in places:
            raise _fault(path, row, "id", f"the batch has no pair {place[:40]!a}", "leave `id` as exported")
        if not preferred:
            continue
        if preferred.lower() not in PREFERRED:
            raise _fault(path, row, "preferred", f"{preferred[:40]!a} is no label", "write a, b or tie")
        if not annotator or len(annotator) > _MOST_NAME:
            raise _fault(path, row, "annotator", "nobody is named, or at length", "write who judged the row")
        before = seen.setdefault((place, annotator), row.line)
        if before != row.line:
            what = f"the same person judged this pair on line {before}"
            raise _fault(path, row, "annotator", what, "keep one of the two")
        labels.append(Label(place, annotator, preferred.lower()))
    return labels


def _field(path: Path, row: Row, name: str) -> str:
    value = row.values.get(name)
    if value is None and name in ("annotator", "preferred"):
        return ""
    if not isinstance(value, str):
        raise _fault(
            path, row, name, "is missing or no text", f"keep the columns {', '.join(_NEEDED)} as exported"
        )
    return value.strip()


def _csv(path: Path, text: str) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
        if missing:
            remedy = "separate columns by commas and keep them as exported"
            raise DataError(f"{path.name} has no column {missing[0]}", remedy)
        for values in reader:
            row = Row(reader.line_num, values)
            if None in values:
                raise _fault(path, row, "row", "has more values than the header", "quote texts with commas")
            yield row
    except csv.Error as error:
        raise DataError(
            f"{path.name}, line {reader.line_num}: not CSV: {error}", "save it as CSV again"
        ) from None


def _jsonl(path: Path, text: str) -> Iterator[Row]:
    # At line feeds alone: other separators may stand in a text.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise DataError(
                f"{path.name}, line {number}: no JSON object", "write an object a line, as exported"
            )
        yield Row(number, values)


def _fault(path: Path, row: Row, name: str, what: str, remedy: str) -> DataError:
    return DataError(f"{path.name}, line {row.line}, {name}: {what}", remedy)
