"""Parquet files, read by pyarrow: a damaged file raises there, where other readers may abort the process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.feedback.limits import MAX_BATCH_BYTES
from components.feedback.parsing.block import BLOCK_BYTES, BLOCK_ROWS, Block
from components.feedback.parsing.record import Record, long_record, too_long
from components.feedback.reasons import BatchError, Reason, RowError
from components.feedback.rules.files import HEAD_BYTES, check_no_pickle, check_no_pickled_type
from components.feedback.values import plain

#: Of a record's most bytes each.
_READ_ROWS = 64


def parquet_blocks(name: str, path: Path) -> tuple[frozenset[str], Iterator[Block]]:
    """The columns, and the rows; their lines are their numbers from 1.

    Raises:
        BatchError: DAMAGED, ENCODING, BOMB, or DUP_KEY for a column named twice.
    """
    with _readable(name):
        # Without reading ahead: what is read ahead of a large file stays in memory.
        file = pq.ParquetFile(path, pre_buffer=False)
        kinds = list(file.schema_arrow)
        groups = (file.metadata.row_group(number) for number in range(file.metadata.num_row_groups))
        expanded = sum(group.total_byte_size for group in groups)
    if expanded > MAX_BATCH_BYTES:
        what = f"{name} expands to more than {MAX_BATCH_BYTES} bytes"
        raise BatchError(Reason.BOMB, what, "split it if it is feedback")
    for kind in kinds:
        check_no_pickled_type(name, kind.metadata)
    columns = [kind.name for kind in kinds]
    _check_columns(name, columns)
    return frozenset(columns), _blocks(name, file)


def _blocks(name: str, file: pq.ParquetFile) -> Iterator[Block]:
    first = 1
    for batch in _joined(_batches(name, file)):
        yield ParquetBlock(name, first, batch)
        first += batch.num_rows


def _batches(name: str, file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """Few rows at once: a small file may repeat a long text from a dictionary in every row."""
    batches = file.iter_batches(batch_size=_READ_ROWS)
    while True:
        with _readable(name):
            batch = next(batches, None)
        if batch is None:
            file.close()
            return
        yield batch


def _joined(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches of as many rows, or bytes, as a block has."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        rows, size = sum(each.num_rows for each in held), sum(each.nbytes for each in held)
        if rows >= BLOCK_ROWS or size >= BLOCK_BYTES:
            yield pa.concat_batches(held)
            held = []
    if held:
        yield pa.concat_batches(held)


@dataclass(frozen=True)
class ParquetBlock:
    """Rows as Arrow holds them."""

    name: str
    first_row: int
    batch: pa.RecordBatch

    def records(self) -> Sequence[Record]:
        for column in self.batch.columns:
            if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
                _check_values(self.name, column)
        with _readable(self.name):
            try:
                rows = self.batch.to_pylist()
            except UnicodeDecodeError:
                raise _not_utf8(self.name, _bad_text(self.first_row, self.batch)) from None
        return [_record(number, row) for number, row in enumerate(rows, start=self.first_row)]


def _bad_text(first_row: int, batch: pa.RecordBatch) -> str:
    """Where text stands first that Python cannot read."""
    for row, column in product(range(batch.num_rows), range(batch.num_columns)):
        try:
            batch.column(column)[row].as_py()
        except UnicodeDecodeError:
            return f" in row {first_row + row}, column {batch.schema.names[column][:40]!a}"
    return ""


def _not_utf8(name: str, place: str = "") -> BatchError:
    return BatchError(Reason.ENCODING, f"{name} holds text that is not UTF-8{place}", "write it as UTF-8")


def _check_values(name: str, column: pa.Array) -> None:
    for value in column:
        if value.is_valid:
            check_no_pickle(name, value.as_buffer().to_pybytes()[:HEAD_BYTES])


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """What Arrow raises, as a BatchError."""
    try:
        yield
    except UnicodeDecodeError:
        raise _not_utf8(name) from None
    # ArrowInvalid is a ValueError, Arrow's input errors are OSErrors.
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        what = f"{name} is not readable as Parquet: {ascii(error)[:200]}"
        raise BatchError(Reason.DAMAGED, what, "write or send the file again") from None


def _record(number: int, row: dict[str, Any]) -> Record:
    try:
        raw = json.dumps(plain(row), ensure_ascii=False)
    except RowError as fault:
        return Record(number, "", fault=fault)
    return long_record(number, raw) if too_long(raw) else Record(number, raw, row)


def _check_columns(name: str, columns: list[str]) -> None:
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        what = f"{name} has more than one column named {twice[0][:40]!a}"
        raise BatchError(Reason.DUP_KEY, what, "rename or drop all but one")
