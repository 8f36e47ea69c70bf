"""Who judged, how much, and how far each can be trusted."""

from __future__ import annotations

import polars as pl

from components.feedback.quality.outline import outline, voices_of, votes_of
from components.feedback.quality.reliability import reliability


def people_of(rows: pl.LazyFrame) -> pl.DataFrame:
    """annotator, judgements, share (of all judgements, the nameless ones too), reliability (of those who judged pairs:
    probability that they name the better answer), the busiest first."""
    outlined = outline(rows)
    voices, votes = pl.collect_all([voices_of(outlined), _on_pairs(votes_of(outlined))], engine="streaming")
    counted = (
        voices.filter(pl.col("annotator").is_not_null())
        .group_by("annotator")
        .agg(pl.len().alias("judgements"))
        .with_columns((pl.col("judgements") / max(1, voices.height)).round(4).alias("share"))
        .sort(["judgements", "annotator"], descending=[True, False])
    )
    trusted = reliability(votes).annotators.select("annotator", pl.col("reliability").round(4))
    return counted.join(trusted, on="annotator", how="left", maintain_order="left")


def _on_pairs(votes: pl.LazyFrame) -> pl.LazyFrame:
    return votes.filter(pl.col("kind") == "pairwise").select("item", "annotator", "label")
