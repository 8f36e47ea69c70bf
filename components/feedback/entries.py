"""Rows as they are held against all others: by what they say, and by their ids."""

from __future__ import annotations

import polars as pl

#: Rows without an id of their own are named by so many digits of their digest.
NAME_DIGITS = 16
#: Hexadecimal digits of a digest that the index keeps: 2^64 judgements before two are likely alike.
_KEY_DIGITS = 32

#: place: of the row in its file (judgements.Judgement); digest: the first bytes of the judgement's; id_key: stands for
#: the row's id, where it has one.
ENTRIES = {"place": pl.Int64(), "line": pl.Int64(), "digest": pl.Binary(), "id_key": pl.String()}


def entries_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Entries of rows, of which place, line, digest, row_id and source are looked at."""
    has_id = pl.col("row_id") != pl.col("digest").str.head(NAME_DIGITS)
    return rows.select(
        "place", "line", digest=digest_key(pl.col("digest")), id_key=pl.when(has_id).then(_key_of_id())
    )


def digest_key(digest: pl.Expr) -> pl.Expr:
    """What the index keeps of a judgement's digest."""
    return digest.str.head(_KEY_DIGITS).str.decode("hex")


def _key_of_id() -> pl.Expr:
    """Two sources may give the same id to different judgements."""
    length = pl.col("source").str.len_chars().cast(pl.String)
    return pl.concat_str(length, pl.lit(":"), "source", "row_id")
