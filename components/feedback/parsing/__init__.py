"""From the bytes of a file to records: JSON lines, JSON arrays, CSV and Parquet, each also gzipped."""

from __future__ import annotations

from components.feedback.limits import MAX_ROWS
from components.feedback.parsing.csv_rows import parse_csv
from components.feedback.parsing.envelope import decode, unwrap
from components.feedback.parsing.json_rows import parse_json, parse_lines
from components.feedback.parsing.parquet_rows import parse_parquet
from components.feedback.parsing.record import Parsed
from components.feedback.reasons import BatchError, Reason


def parse(name: str, content: bytes) -> Parsed:
    """The records of a file, the bad ones among them with their fault.

    Raises:
        BatchError: the file as a whole cannot be read.
    """
    form, plain = unwrap(name, content)
    parsed = parse_parquet(name, plain) if form == "parquet" else _parse_text(form, name, decode(name, plain))
    if not parsed.records:
        raise BatchError(Reason.EMPTY, f"{name} holds no rows", "send the file again, with its rows")
    if len(parsed.records) > MAX_ROWS:
        what = f"{name} has {len(parsed.records)} rows, more than {MAX_ROWS}"
        raise BatchError(Reason.TOO_LARGE, what, "split it")
    return parsed


def _parse_text(form: str, name: str, text: str) -> Parsed:
    if form == "csv":
        return parse_csv(name, text)
    return parse_json(name, text) if form == "json" else parse_lines(text)
