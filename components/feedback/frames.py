"""Records of components/records.py as frames: a column for each field, typed by the field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import polars as pl

from components.records import Opinion

_OPINIONS = "tuple[Opinion, ...]"
#: By how records.py writes the type of a field.
_COLUMN_TYPES: dict[str, pl.DataType] = {
    "str": pl.String(),
    "str | None": pl.String(),
    "float": pl.Float64(),
    "float | None": pl.Float64(),
    "int": pl.Int64(),
}


def frame_of(record_type: type, records: Sequence[Any]) -> pl.DataFrame:
    """The records in their order; no records make a table too, with all its columns."""
    columns = {
        column.name: [_cell(record, column.name, str(column.type)) for record in records]
        for column in fields(record_type)
    }
    return pl.DataFrame(columns, schema=schema_of(record_type))


def schema_of(record_type: type) -> dict[str, pl.DataType]:
    return {column.name: _column_type(str(column.type)) for column in fields(record_type)}


def _column_type(annotation: str) -> pl.DataType:
    return pl.List(pl.Struct(schema_of(Opinion))) if annotation == _OPINIONS else _COLUMN_TYPES[annotation]


def _cell(record: Any, name: str, annotation: str) -> Any:
    value = getattr(record, name)
    return [vars(opinion) for opinion in value] if annotation == _OPINIONS else value
