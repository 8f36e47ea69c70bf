"""Parquet files, read by pyarrow: a damaged file raises there, where other readers may abort the process."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.feedback.limits import MAX_BATCH_BYTES, MAX_ROWS
from components.feedback.parsing.record import Parsed, Record, long_record, too_long
from components.feedback.reasons import BatchError, Reason, RowError
from components.feedback.values import plain


def parse_parquet(name: str, content: bytes) -> Parsed:
    """The rows; their lines are their numbers from 1.

    Raises:
        BatchError: DAMAGED, ENCODING, BOMB, TOO_LARGE, or DUP_KEY for a column named twice.
    """
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        _check_size(name, file.metadata)
        _check_columns(name, file.schema_arrow.names)
        rows = file.read().to_pylist()
    except UnicodeDecodeError:
        raise BatchError(
            Reason.ENCODING, f"{name} holds text that is not UTF-8", "write it as UTF-8"
        ) from None
    # ArrowInvalid is a ValueError, Arrow's input errors are OSErrors.
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        what = f"{name} is not readable as Parquet: {ascii(error)[:200]}"
        raise BatchError(Reason.DAMAGED, what, "write or send the file again") from None
    records = [_record(number, row) for number, row in enumerate(rows, start=1)]
    return Parsed(records, frozenset(file.schema_arrow.names), unit="row")


def _record(number: int, row: dict[str, Any]) -> Record:
    try:
        raw = json.dumps(plain(row), ensure_ascii=False)
    except RowError as fault:
        return Record(number, "", fault=fault)
    return long_record(number, raw) if too_long(raw) else Record(number, raw, row)


def _check_size(name: str, metadata: Any) -> None:
    groups = [metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)]
    if sum(groups) > MAX_BATCH_BYTES:
        what = f"{name} expands to more than {MAX_BATCH_BYTES} bytes"
        raise BatchError(Reason.BOMB, what, "split it if it is feedback")
    if metadata.num_rows > MAX_ROWS:
        what = f"{name} has {metadata.num_rows} rows, more than {MAX_ROWS}"
        raise BatchError(Reason.TOO_LARGE, what, "split it")


def _check_columns(name: str, columns: list[str]) -> None:
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        what = f"{name} has more than one column named {twice[0][:40]!a}"
        raise BatchError(Reason.DUP_KEY, what, "rename or drop all but one")
