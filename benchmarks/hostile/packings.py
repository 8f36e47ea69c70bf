"""Whole files of mutated rows, in every packing that ingestion reads."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.hostile.lines import LINE_MUTATIONS, mutated_lines
from benchmarks.hostile.mutations import mutated_row
from benchmarks.hostile.rows import SOUND, Row

#: One line of CSV in so many is mutated as text: a quote may spoil the rest of the file.
_SPOILT_LINES = 500

#: Makes the content of a file. Args: chance, SOUND's name, how many rows, number of the first.
Packing = Callable[[random.Random, str, int, int], bytes]


def _as_lines(rng: random.Random, name: str, count: int, first: int) -> bytes:
    return "\n".join(mutated_lines(rng, name, count, first)).encode("utf-8")


def _as_zipped_lines(rng: random.Random, name: str, count: int, first: int) -> bytes:
    return gzip.compress(_as_lines(rng, name, count, first), compresslevel=1)


def _as_array(rng: random.Random, name: str, count: int, first: int) -> bytes:
    # Not mutated as text: an array that is broken in one place is refused as a whole.
    return json.dumps(_rows(rng, name, count, first)).encode("ascii")


def _as_csv(rng: random.Random, name: str, count: int, first: int) -> bytes:
    rows = _rows(rng, name, count, first)
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({field: _as_text(value) for field, value in row.items()} for row in rows)
    lines = file.getvalue().split("\n")
    for _ in range(len(lines) // _SPOILT_LINES):
        # Below the header and the sound row.
        place = rng.randrange(2, len(lines))
        lines[place] = rng.choice(LINE_MUTATIONS)(rng, lines[place])
    return "\n".join(lines).encode("utf-8")


def _as_parquet(rng: random.Random, name: str, count: int, first: int) -> bytes:
    rows = _rows(rng, name, count, first)
    # Parquet has no objects without fields.
    sound = {field: value for field, value in rows[0].items() if value != {}}
    columns = {field: _column(value, [row.get(field) for row in rows]) for field, value in sound.items()}
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


#: End of the file's name -> how it is made.
PACKINGS: dict[str, Packing] = {
    ".jsonl": _as_lines,
    ".jsonl.gz": _as_zipped_lines,
    ".json": _as_array,
    ".csv": _as_csv,
    ".parquet": _as_parquet,
}


def _rows(rng: random.Random, name: str, count: int, first: int) -> list[Row]:
    """Mutated records; the first is sound: it tells what the file is."""
    others = (mutated_row(rng, SOUND[name](first + number)) for number in range(1, count))
    return [SOUND[name](first), *others]


def _as_text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _column(sound: Any, values: list[Any]) -> pa.Array:
    """A column of the sound value's type; what does not fit it is written as text, or else left out."""
    kind = pa.array([sound]).type
    if isinstance(sound, str):
        values = [value if value is None else _as_text(value) for value in values]
    return pa.array([value if _fits(sound, value, kind) else None for value in values], kind)


def _fits(sound: Any, value: Any, kind: pa.DataType) -> bool:
    """Whether Arrow takes the value where it has taken the sound one: of an object's type alone it also takes []."""
    try:
        pa.array([sound, value], kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return False
    return True
