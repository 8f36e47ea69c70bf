"""Rows that leave a batch: its parts are written anew without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from components.feedback import store
from components.feedback.sifting import as_parquet
from components.files import sha256_file, write_bytes

#: From a part's rows to those that stay.
Keep = Callable[[pl.DataFrame], pl.DataFrame]


def rewrite_parts(folder: Path, keep: Keep) -> dict[str, str]:
    """Replace each part by what stays of it; one of which nothing stays goes.

    Returns: the parts and their SHA-256, for the manifest.
    """
    for part in store.parts_of(folder):
        rows = pl.read_parquet(part)
        staying = keep(rows)
        if staying.is_empty():
            part.unlink()
        elif not staying.equals(rows):
            write_bytes(part, as_parquet(staying))
    return {part.name: sha256_file(part) for part in store.parts_of(folder)}
