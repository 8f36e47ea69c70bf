"""A part of the rows, where all of them would take too long.

Which rows, the SHA-256 of what they say decides: chance, but the same on every run, and what is in a small sample is
also in a larger one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl
import pyarrow as pa

#: So many rows are looked at without their texts: shares of so many are known to a third of a percent.
MOST_OUTLINED = 100_000
#: So many rows, and about so many characters, are read word by word.
MOST_ROWS, MOST_CHARS = 10_000, 6_000_000
#: So many rows of the past are looked at.
MOST_PAST_ROWS = 10_000
_BULK = 4_096
#: What outlines and the analysis of texts need.
_NEEDED = (
    "row_id", "line", "kind", "prompt", "responses", "ranks", "scale_min", "scale_max", "votes", "annotator", "source",
    "language", "gold", "seconds",
)  # fmt: skip


def sampled(rows: pl.LazyFrame, share: float) -> pl.LazyFrame:
    """About this share of the rows."""
    if share >= 1:
        return rows
    # A digest is written in hexadecimal: its first eight digits are a number below 2 ** 32, every one as likely.
    return rows.filter(pl.col("digest").str.head(8) < f"{int(share * 2**32):08x}")


def texts_of(rows: pl.LazyFrame, share: float) -> pl.DataFrame:
    """About this share of the rows, in the order of their ids.

    A filtered column of strings keeps all strings that were read, so each piece is copied by way of Arrow's old layout.
    """
    pieces = _in_bulk(rows.select(*_NEEDED, "digest").collect_batches())
    copies = [_chosen(piece, share).to_arrow(compat_level=pl.CompatLevel.oldest()) for piece in pieces]
    empty = rows.select(_NEEDED).clear().collect()
    return pl.concat([empty, *(_as_frame(copy, empty.schema) for copy in copies)]).sort("row_id")


def _in_bulk(pieces: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Small pieces together: each is one file at least, and to copy a few rows takes as long as to copy thousands."""
    waiting: list[pl.DataFrame] = []
    for piece in pieces:
        waiting.append(piece)
        if sum(each.height for each in waiting) >= _BULK:
            yield pl.concat(waiting)
            waiting = []
    if waiting:
        yield pl.concat(waiting)


def _chosen(piece: pl.DataFrame, share: float) -> pl.DataFrame:
    return sampled(piece.lazy(), share).select(_NEEDED).collect()


def _as_frame(copy: pa.Table, schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(copy)).cast(schema)


def share_of(most: int, count: int) -> float:
    """The share that leaves about `most` of `count` rows."""
    return min(1.0, most / max(1, count))


def text_share(outlined: pl.DataFrame) -> float:
    """The share of rows that may be read word by word."""
    chars = outlined.select(pl.col("prompt_chars").sum() + pl.col("chars").list.sum().sum()).item() or 0
    return min(share_of(MOST_ROWS, outlined.height), MOST_CHARS / max(1, chars))


def preferred(rows: pl.DataFrame) -> pl.DataFrame:
    """row_id, prompt, chosen, rejected: of pairs that the votes decide, and of rankings the best and the worst."""
    labels = pl.col("votes").list.eval(pl.element().struct.field("label")).list.mean()
    ranks, responses = pl.col("ranks"), pl.col("responses")
    pairwise = pl.col("kind") == "pairwise"
    first, second = (responses.list.get(place, null_on_oob=True) for place in (0, 1))
    best, worst = (responses.list.get(place) for place in (ranks.list.arg_min(), ranks.list.arg_max()))
    return (
        rows.filter(pl.col("kind").is_in(["pairwise", "ranking"]))
        .with_columns(label=labels)
        .select(
            "row_id",
            "prompt",
            chosen=pl.when(pairwise)
            .then(pl.when(pl.col("label") >= 0.5).then(first).otherwise(second))
            .otherwise(best),
            rejected=pl.when(pairwise)
            .then(pl.when(pl.col("label") >= 0.5).then(second).otherwise(first))
            .otherwise(worst),
            tied=pl.when(pairwise)
            .then(pl.col("label") == 0.5)
            .otherwise(ranks.list.min() == ranks.list.max()),
        )
        .filter(~pl.col("tied"))
        .drop("tied")
    )
