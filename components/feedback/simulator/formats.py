"""Rows as the bytes of a JSONL, CSV or Parquet file; the same rows give the same bytes."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

Row = Mapping[str, Any]


def to_lines(rows: Sequence[Row]) -> list[str]:
    return [json.dumps(row, ensure_ascii=False) for row in rows]


def encode(name: str, rows: Sequence[Row]) -> bytes:
    """The content of a file whose name ends with .jsonl, .csv or .parquet, with .gz after it or not."""
    if name.endswith(".parquet"):
        return _parquet(rows)
    text = _csv(rows) if ".csv" in name else join_lines(to_lines(rows))
    return packed(name, text)


def packed(name: str, text: str) -> bytes:
    """UTF-8, gzipped without a time stamp if the name says so."""
    content = text.encode("utf-8")
    return gzip.compress(content, mtime=0) if name.endswith(".gz") else content


def join_lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _csv(rows: Sequence[Row]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _parquet(rows: Sequence[Row]) -> bytes:
    out = io.BytesIO()
    pl.DataFrame(list(rows)).write_parquet(out)
    return out.getvalue()
