"""Training data as Parquet files, <name>/<split>.parquet, with the columns of components/records.py."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from components.feedback.prepared import Prepared
from components.feedback.splits import SPLITS
from components.files import replacing_directory

#: Names of the tables, which are also the names of their fields in Prepared.
TABLES = ("demonstrations", "preferences", "ratings", "prompts")


def write_tables(folder: Path, prepared: Prepared) -> None:
    """Replace `folder` by the tables, atomically; the same records give the same bytes."""
    with replacing_directory(folder) as staged:
        for name in TABLES:
            table: pl.DataFrame = getattr(prepared, name)
            (staged / name).mkdir()
            for split in SPLITS:
                of_split = table.filter(pl.col("split") == split).drop("split")
                of_split.write_parquet(staged / name / f"{split}.parquet")
