"""What rows of feedback are like: how many of what, which labels, how long. Of a batch or of the whole dataset."""

from __future__ import annotations

from typing import Any, TypeAlias

import polars as pl

from components.feedback.quality.outline import outline, votes_of

#: What json.dumps takes, without NaN and the infinities.
Figures: TypeAlias = dict[str, Any]

#: Names that are told apart, such as of sources; the others are counted together.
MOST_NAMES = 20
OTHERS, UNKNOWN = "(others)", "(unknown)"
#: Labels of a kind in the order in which they are shown.
LABELS = {
    "pairwise": ("first", "tie", "second"),
    "thumbs": ("up", "down"),
    "rating": ("lowest fifth", "second", "third", "fourth", "highest fifth"),
}
#: Bins of lengths for each doubling of the characters.
_BINS_AN_OCTAVE = 2


def describe(rows: pl.LazyFrame) -> Figures:
    """Of rows of the canonical schema.

    Returns:
        rows, prompts (different ones); kinds, sources, languages: rows by name, the most frequent first;
        labels: by kind, votes by label; longer: of decided votes on pairs of different length their number `votes` and
        the `share` in which the longer answer (in characters) is preferred; lengths (see `_lengths`).
    """
    outlined = outline(rows)
    votes = votes_of(outlined)
    plans = [
        outlined.select(pl.len().alias("rows"), pl.col("prompt").n_unique().alias("prompts")),
        *(outlined.group_by(pl.col(column).alias("name")).len() for column in ("kind", "source", "language")),
        _labelled(votes).group_by("kind", "name").len(),
        votes.select(pl.col("longer").count().alias("votes"), pl.col("longer").mean().alias("share")),
        _measured(outlined).group_by("of", "bin").len(),
        _measured(outlined).group_by("of").agg(pl.col("chars").median().alias("median")),
    ]
    size, kinds, sources, languages, labels, longer, bins, medians = pl.collect_all(plans, engine="streaming")
    return {
        **size.row(0, named=True),
        "kinds": _by_name(kinds),
        "sources": _by_name(sources),
        "languages": _by_name(languages),
        "labels": _labels(labels),
        "longer": longer.row(0, named=True),
        "lengths": _lengths(bins, dict(medians.iter_rows())),
    }


def _by_name(counts: pl.DataFrame) -> dict[str, int]:
    ordered = counts.with_columns(pl.col("name").fill_null(UNKNOWN)).sort(
        ["len", "name"], descending=[True, False]
    )
    found = dict(ordered.head(MOST_NAMES).iter_rows())
    others = int(ordered["len"].slice(MOST_NAMES).sum())
    return {**found, OTHERS: others} if others else found


def _labelled(votes: pl.LazyFrame) -> pl.LazyFrame:
    """kind and name of each vote's label."""
    first, tie, second = LABELS["pairwise"]
    up, down = LABELS["thumbs"]
    fifths = pl.Series(LABELS["rating"])
    fifth = (pl.col("label") * len(fifths)).floor().clip(0, len(fifths) - 1).cast(pl.UInt32)
    given, is_one = pl.col("given"), pl.col("label") == 1.0
    pair = (
        pl.when(given == 1.0)
        .then(pl.lit(first))
        .when(given == 0.5)
        .then(pl.lit(tie))
        .otherwise(pl.lit(second))
    )
    thumb = pl.when(is_one).then(pl.lit(up)).otherwise(pl.lit(down))
    rating = fifth.replace_strict(list(range(len(fifths))), fifths, return_dtype=pl.String, default=None)
    kind = pl.col("kind")
    name = pl.when(kind == "pairwise").then(pair).when(kind == "thumbs").then(thumb).otherwise(rating)
    return votes.select("kind", name.alias("name"))


def _labels(counts: pl.DataFrame) -> dict[str, dict[str, int]]:
    found = {(kind, name): count for kind, name, count in counts.iter_rows()}
    kinds = {kind for kind, _ in found}
    return {
        kind: {name: found.get((kind, name), 0) for name in names}
        for kind, names in LABELS.items()
        if kind in kinds
    }


def _measured(outlined: pl.LazyFrame) -> pl.LazyFrame:
    """Lengths in characters and their bins; `of`: "preferred" and "other" of pairs that somebody decided and of
    edits, "answers" and "prompts" of all rows."""
    said = pl.col("votes").list.eval(pl.element().struct.field("label")).list.mean()
    leaning = pl.when(pl.col("kind") == "edit").then(0.0).when(pl.col("kind") == "pairwise").then(said)
    decided = outlined.with_columns(leaning.alias("leaning")).filter(pl.col("leaning") != 0.5)
    for_first = pl.col("leaning") > 0.5
    first, second = pl.col("first_chars"), pl.col("second_chars")
    lengths = [
        decided.select(
            pl.lit("preferred").alias("of"), pl.when(for_first).then(first).otherwise(second).alias("chars")
        ),
        decided.select(
            pl.lit("other").alias("of"), pl.when(for_first).then(second).otherwise(first).alias("chars")
        ),
        outlined.select(pl.lit("answers").alias("of"), pl.col("chars")).explode("chars"),
        outlined.select(pl.lit("prompts").alias("of"), pl.col("prompt_chars").alias("chars")),
    ]
    octave = ((pl.col("chars") + 1).log(2) * _BINS_AN_OCTAVE).floor().cast(pl.Int64)
    return pl.concat(lengths).with_columns(octave.alias("bin"))


def _lengths(bins: pl.DataFrame, medians: dict[str, float]) -> Figures:
    """By what is measured: `count`, `median`, and `bins`, [from so many characters, count], from the shortest to the
    longest text without a gap."""
    found = {}
    for name in ("preferred", "other", "answers", "prompts"):
        counts = dict(bins.filter(pl.col("of") == name).select("bin", "len").iter_rows())
        places = range(min(counts), max(counts) + 1) if counts else ()
        found[name] = {
            "count": sum(counts.values()),
            "median": medians.get(name),
            "bins": [
                [round(2 ** (place / _BINS_AN_OCTAVE) - 1, 1), counts.get(place, 0)] for place in places
            ],
        }
    return found
