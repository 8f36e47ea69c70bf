"""What every parser makes of a file: its records one by one, each with its place and its raw text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.feedback.limits import KEPT_RAW_CHARS, MAX_LINE_BYTES
from components.feedback.reasons import Reason, RowError
from components.feedback.values import kind_of


@dataclass(slots=True)
class Record:
    """One record of a file.

    Attributes:
        line: where it begins in the file, from 1; the row's number in Parquet.
        raw: its text as it stands in the file.
        values: its fields; empty when it could not be parsed.
        fault: why it could not be parsed.
    """

    line: int
    raw: str
    values: Mapping[str, Any] = field(default_factory=dict)
    fault: RowError | None = None


def record_of(line: int, raw: str, value: Any) -> Record:
    """A record from a parsed JSON value, which has to be an object."""
    if isinstance(value, dict):
        return Record(line, raw, value)
    fault = RowError(Reason.TYPE, "", f"the row is {kind_of(value)}, expected an object with named fields")
    return Record(line, raw, fault=fault)


def too_long(raw: str) -> bool:
    # A character has four bytes at most: few texts must be encoded to know.
    return 4 * len(raw) > MAX_LINE_BYTES and len(raw.encode("utf-8", "surrogatepass")) > MAX_LINE_BYTES


def long_record(line: int, raw: str) -> Record:
    what = (
        f"the record is longer than {MAX_LINE_BYTES} bytes (its first {KEPT_RAW_CHARS} characters are kept)"
    )
    return Record(line, raw[:KEPT_RAW_CHARS], fault=RowError(Reason.LINE_LONG, "", what))


def usual_columns(records: Sequence[Record]) -> frozenset[str]:
    """Fields that at least half of the records that parsed have."""
    sound = [record.values for record in records if record.fault is None]
    counts = Counter(name for values in sound for name in values)
    return frozenset(name for name, count in counts.items() if 2 * count >= len(sound))
