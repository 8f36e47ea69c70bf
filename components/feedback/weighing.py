"""What the votes on each pair say once it is known how far each annotator can be trusted."""

from __future__ import annotations

import polars as pl

from components.feedback.frames import frame_of, schema_of
from components.feedback.quality.reliability import reliability
from components.records import Opinion, Preference


def weigh(preferences: pl.DataFrame) -> pl.DataFrame:
    """The preferences with probabilities by the reliability of those who voted, and turned where these say so.

    A probability is that of the model in quality/reliability.py, drawn to a tie by the mean strength, as a mean of
    votes is. What one person said alone has their reliability: nobody's word is certain. Each opinion keeps how far
    it is trusted; one without a name as far as the average vote.

    Args:
        preferences: columns of `Preference`, each with one opinion at least.
    """
    if preferences.is_empty():
        return frame_of(Preference, [])
    said = (
        preferences.with_row_index("item").select("item", "opinions").explode("opinions").unnest("opinions")
    )
    found = reliability(said.select("item", "annotator", pl.col("vote").alias("label")))
    belief = found.items.sort("item")["probability"]
    weighed = preferences.with_columns(
        pl.when(belief < 0.5).then("rejected").otherwise("chosen").alias("chosen"),
        pl.when(belief < 0.5).then("chosen").otherwise("rejected").alias("rejected"),
    ).with_columns(_settled(_trusted(said, found.annotators, belief)))
    return weighed.with_columns(
        (0.5 + (belief - 0.5).abs() * pl.col("clear")).alias("probability"),
        pl.col("lead").clip(lower_bound=0.0).alias("margin"),
    ).select(preferences.columns)


def _trusted(said: pl.DataFrame, annotators: pl.DataFrame, belief: pl.Series) -> pl.DataFrame:
    """The opinions, of the answer that is chosen now, each with the reliability of whose it is."""
    people = annotators.select("annotator", pl.col("reliability").alias("trust"))
    known = said.drop("trust").join(people, on="annotator", how="left", maintain_order="left")
    turned = pl.lit(belief < 0.5).gather(pl.col("item"))
    return known.with_columns(
        pl.col("trust").fill_null(pl.col("trust").mean()),
        pl.when(turned).then(1 - pl.col("vote")).otherwise("vote").alias("vote"),
    )


def _settled(said: pl.DataFrame) -> pl.DataFrame:
    """For each pair: how clear it is and by how much the chosen answer leads, on average, and the opinions."""
    strength = pl.col("strength")
    return (
        said.group_by("item", maintain_order=True)
        .agg(
            strength.fill_null(1.0).mean().alias("clear"),
            ((2 * pl.col("vote") - 1) * strength.fill_null(0.0)).mean().alias("lead"),
            pl.struct(list(schema_of(Opinion))).alias("opinions"),
        )
        .drop("item")
    )
