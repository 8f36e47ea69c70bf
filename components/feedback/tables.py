"""Training data as Parquet files, <name>/<split>.parquet, with the columns of components/records.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import polars as pl

from components.feedback.prepared import Prepared
from components.feedback.splits import SPLITS
from components.files import replacing_directory
from components.records import Demonstration, Opinion, Preference, Prompt, Rating

#: Name of a table, which is also the name of its field in Prepared -> what it holds.
TABLES = {"demonstrations": Demonstration, "preferences": Preference, "ratings": Rating, "prompts": Prompt}

#: By how records.py writes the type of a field.
_COLUMN_TYPES: dict[str, pl.DataType] = {
    "str": pl.String(),
    "str | None": pl.String(),
    "float": pl.Float64(),
    "float | None": pl.Float64(),
    "int": pl.Int64(),
}


def write_tables(folder: Path, prepared: Prepared) -> None:
    """Replace `folder` by the tables, atomically; the same records give the same bytes."""
    with replacing_directory(folder) as staged:
        for name, record_type in TABLES.items():
            (staged / name).mkdir()
            for split in SPLITS:
                records = getattr(prepared, name)[split]
                _frame(record_type, records).write_parquet(staged / name / f"{split}.parquet")


def _frame(record_type: type, records: Sequence[Any]) -> pl.DataFrame:
    """A column for each field, typed by the field, so that no rows make a table too."""
    rows = [asdict(record) for record in records]
    return pl.DataFrame(rows, schema=_schema_of(record_type), orient="row")


def _schema_of(record_type: type) -> dict[str, pl.DataType]:
    return {column.name: _column_type(str(column.type)) for column in fields(record_type)}


def _column_type(annotation: str) -> pl.DataType:
    if annotation == "tuple[Opinion, ...]":
        return pl.List(pl.Struct(_schema_of(Opinion)))
    return _COLUMN_TYPES[annotation]
