"""Training data as Parquet files, <name>/<split>.parquet, with the columns of components/records.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import polars as pl

from components.feedback.prepared import Prepared
from components.feedback.splits import SPLITS
from components.files import replacing_directory
from components.records import Demonstration, Preference, Prompt, Rating

#: Name of a table, which is also the name of its field in Prepared -> what it holds.
TABLES = {"demonstrations": Demonstration, "preferences": Preference, "ratings": Rating, "prompts": Prompt}

_COLUMN_TYPES = {"str": pl.String, "float": pl.Float64}


def write_tables(folder: Path, prepared: Prepared) -> None:
    """Replace `folder` by the tables, atomically; the same records give the same bytes."""
    with replacing_directory(folder) as staged:
        for name, record_type in TABLES.items():
            (staged / name).mkdir()
            for split in SPLITS:
                records = getattr(prepared, name)[split]
                _frame(record_type, records).write_parquet(staged / name / f"{split}.parquet")


def _frame(record_type: type, records: Sequence[object]) -> pl.DataFrame:
    """A column for each field, typed by the field, so that no rows make a table too."""
    schema = {column.name: _COLUMN_TYPES[str(column.type)] for column in fields(record_type)}
    rows = [[getattr(record, name) for name in schema] for record in records]
    return pl.DataFrame(rows, schema=schema, orient="row")
