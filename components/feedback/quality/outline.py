"""Rows of feedback without their texts: what of a text enters a figure is a hash or a length.

One pass over the texts, column by column, and everything else works on numbers: a million rows are some hundred
megabytes instead of a gigabyte.
"""

from __future__ import annotations

import polars as pl

_FIRST = pl.col("responses").list.get(0, null_on_oob=True)
_SECOND = pl.col("responses").list.get(1, null_on_oob=True)

#: Kinds of rows on which people vote; the others are signed as a whole.
VOTED = ("pairwise", "rating", "thumbs")


def outline(rows: pl.LazyFrame) -> pl.LazyFrame:
    """A row for each row of the canonical schema.

    Returns:
        line, kind, annotator, votes, source, language, gold, seconds, scale_min, scale_max as they are;
        prompt, first, second: hashes of texts (first and second of the responses);
        prompt_chars, first_chars, second_chars: their lengths; chars: the responses' lengths as a list.
    """
    return rows.select(
        "line",
        "kind",
        "annotator",
        "source",
        "language",
        "gold",
        "seconds",
        "scale_min",
        "scale_max",
        votes=pl.col("votes").list.eval(pl.struct(pl.element().struct.field("annotator", "label"))),
        prompt=pl.col("prompt").hash(),
        first=_FIRST.hash(),
        second=_SECOND.hash(),
        prompt_chars=pl.col("prompt").str.len_chars(),
        first_chars=_FIRST.str.len_chars(),
        second_chars=_SECOND.str.len_chars(),
        chars=pl.col("responses").list.eval(pl.element().str.len_chars()),
    )


def votes_of(outlined: pl.LazyFrame) -> pl.LazyFrame:
    """A row for each vote.

    Returns:
        line, kind, annotator, prompt, gold, seconds, source as they are;
        item: hash of what was judged, the same for a pair in either order;
        better, worse: of a pair, hashes of the two answers in a fixed order (the smaller hash first), whatever the
            order in which they were shown: `label` is about the first of these two;
        label: 1.0, 0.5 or 0.0 of a pair as said above; 1.0 or 0.0 of a thumb; a rating from 0 to 1;
        swapped: of a pair, whether the answer that was shown first is the second of these two;
        given: of a pair, the label as it was given, about the answer that was shown first;
        longer: of a pair that somebody decided, whether the longer answer (in characters) was preferred; else null;
        right: of a gold question, whether the vote is the known label.
    """
    pair = pl.col("kind") == "pairwise"
    swapped = pl.col("first") > pl.col("second")
    given = pl.col("vote").struct.field("label")
    lead = pl.col("first_chars").cast(pl.Int64) - pl.col("second_chars").cast(pl.Int64)
    scaled = (given - pl.col("scale_min")) / (pl.col("scale_max") - pl.col("scale_min"))
    return (
        outlined.filter(pl.col("kind").is_in(VOTED))
        .rename({"votes": "vote", "annotator": "signed"})
        .explode("vote")
        .select(
            "line",
            "kind",
            "prompt",
            "gold",
            "seconds",
            "source",
            annotator=pl.col("vote").struct.field("annotator"),
            swapped=pair & swapped,
            better=pl.when(swapped).then("second").otherwise("first"),
            worse=pl.when(swapped).then("first").otherwise("second"),
            label=pl.when(pair & swapped)
            .then(1 - given)
            .when(pl.col("kind") == "rating")
            .then(scaled)
            .otherwise(given),
            given=pl.when(pair).then(given),
            longer=pl.when(pair & (given != 0.5) & (lead != 0)).then((given == 1.0) == (lead > 0)),
            right=pl.when(pl.col("gold").is_not_null()).then(given == pl.col("gold")),
        )
        .with_columns(item=pl.struct("kind", "prompt", "better", "worse").hash())
    )


def voices_of(outlined: pl.LazyFrame) -> pl.LazyFrame:
    """kind and annotator of each judgement: of each vote, and of each row that nobody votes on."""
    votes = (
        outlined.filter(pl.col("kind").is_in(VOTED))
        .select("kind", pl.col("votes").alias("vote"))
        .explode("vote")
    )
    signed = outlined.filter(~pl.col("kind").is_in(VOTED)).select("kind", "annotator")
    return pl.concat([votes.select("kind", annotator=pl.col("vote").struct.field("annotator")), signed])
