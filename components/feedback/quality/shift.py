"""Is this batch like those of the days before?

Two distributions p and q are compared by their Jensen-Shannon divergence in bits: 0 where they are the same, 1 where
nothing that one has happens in the other. Samples of one distribution differ by chance, by

    (bins - 1) (1 / n + 1 / m) / (8 ln 2)

bits on average (the divergence is a chi-squared statistic to second order), which is taken off; and fewer than
LEAST_ROWS on either side are not compared. Rows are compared with rows of their kind: a batch of ratings after
batches of pairs is no shift.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from components.feedback.quality.findings import Figures, Finding, finding
from components.feedback.quality.outline import votes_of
from components.feedback.quality.proportions import rounded
from components.feedback.reasons import Reason

LEAST_ROWS = 50
#: A length's bin: half an octave of characters.
_BINS_AN_OCTAVE = 2
_BINS_OF_RATINGS = 5


def bins_of(outlined: pl.LazyFrame) -> pl.DataFrame:
    """kind, what, bin, count: how outlined rows (components/feedback/quality/outline.py) are distributed.

    `what` is "labels" (of pairs whether the longer answer was preferred, which holds whatever order the answers were
    shown in; of thumbs up or down; of ratings fifths of the scale), "lengths" (of answers) or "prompt lengths", all in
    characters; and, of all kinds together, "kinds", "sources" and "languages".
    """
    chars = outlined.select("kind", pl.lit("lengths").alias("what"), pl.col("chars").alias("bin")).explode(
        "bin"
    )
    prompts = outlined.select(
        "kind", pl.lit("prompt lengths").alias("what"), pl.col("prompt_chars").alias("bin")
    )
    named = [
        outlined.select(pl.lit("all").alias("kind"), pl.lit(what).alias("what"), pl.col(column).alias("bin"))
        for what, column in (("kinds", "kind"), ("sources", "source"), ("languages", "language"))
    ]
    lengths = pl.concat([chars, prompts]).with_columns(_octave(pl.col("bin")).cast(pl.String))
    binned = pl.concat([_labels(votes_of(outlined)), lengths, *named])
    counted = binned.drop_nulls("bin").group_by("kind", "what", "bin").len("count")
    return counted.sort("kind", "what", "bin").collect()


def shift_figures(now: pl.DataFrame, before: pl.DataFrame) -> list[Figures]:
    """{kind, what, rows, past_rows, bits} of every distribution that both sides have; `bits` null of too few."""
    table = now.join(
        before, on=["kind", "what", "bin"], how="full", coalesce=True, suffix="_before"
    ).fill_null(0)
    groups = table.sort("kind", "what", "bin").group_by("kind", "what", maintain_order=True)
    return [
        _compared(names, bins) for names, bins in groups if bins["count"].sum() and bins["count_before"].sum()
    ]


def shift_findings(figures: list[Figures], most: float) -> list[Finding]:
    """SHIFT of labels or lengths; how kinds, sources and languages are mixed holds nothing."""
    shifted = [
        figure
        for figure in figures
        if figure["what"] in ("labels", "lengths") and figure["bits"] is not None and figure["bits"] > most
    ]
    return [finding(Reason.SHIFT, _message(figure, most), figure) for figure in shifted]


def divergence(counts: np.ndarray, others: np.ndarray) -> float:
    """Jensen-Shannon divergence, in bits, of two histograms over the same bins, less what chance adds to it."""
    p, q = counts / counts.sum(), others / others.sum()
    middle = (p + q) / 2
    bits = (_relative(p, middle) + _relative(q, middle)) / 2
    used = int(np.count_nonzero(middle))
    by_chance = (used - 1) * (1 / counts.sum() + 1 / others.sum()) / (8 * math.log(2))
    return max(0.0, bits - by_chance)


def _relative(p: np.ndarray, q: np.ndarray) -> float:
    """Kullback-Leibler divergence in bits."""
    there = p > 0
    return float(np.sum(p[there] * np.log2(p[there] / q[there])))


def _labels(votes: pl.LazyFrame) -> pl.LazyFrame:
    fifth = (pl.col("label") * _BINS_OF_RATINGS).floor().clip(upper_bound=_BINS_OF_RATINGS - 1)
    label = (
        pl.when(pl.col("kind") == "pairwise")
        .then(
            pl.when(pl.col("longer")).then(pl.lit("longer")).when(~pl.col("longer")).then(pl.lit("shorter"))
        )
        .when(pl.col("kind") == "rating")
        .then(fifth.cast(pl.Int64).cast(pl.String))
        .otherwise(pl.when(pl.col("label") == 1.0).then(pl.lit("up")).otherwise(pl.lit("down")))
    )
    return votes.select("kind", pl.lit("labels").alias("what"), label.alias("bin"))


def _octave(chars: pl.Expr) -> pl.Expr:
    return ((chars + 1).log(2) * _BINS_AN_OCTAVE).floor().cast(pl.Int64)


def _compared(names: tuple[object, ...], bins: pl.DataFrame) -> Figures:
    now, before = (bins[column].to_numpy().astype(np.float64) for column in ("count", "count_before"))
    enough = min(now.sum(), before.sum()) >= LEAST_ROWS
    kind, what = names
    return {
        "kind": kind,
        "what": what,
        "rows": int(now.sum()),
        "past_rows": int(before.sum()),
        "bits": rounded(divergence(now, before)) if enough else None,
    }


def _message(figure: Figures, most: float) -> str:
    return (
        f"{figure['what']} of kind {figure['kind']} differ by {figure['bits']:.2f} bits from those of the days before "
        f"({figure['rows']:,} against {figure['past_rows']:,}), more than {most:g}"
    )
