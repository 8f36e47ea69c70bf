"""Accepted feedback as training data: demonstrations, preferences, ratings and prompts, split by prompt."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import polars as pl

from components.config import PrepareParams
from components.errors import DataError
from components.feedback.automatic.lessons import Automatic, automatic_lessons
from components.feedback.automatic.names import BY_PEOPLE
from components.feedback.pairs import Pairs, pairs_of
from components.feedback.splits import normalise_prompt, role_of, split_of
from components.feedback.weighing import weigh

#: Levels of a scale that has more, or fractions.
MOST_LEVELS = 11
#: The columns of accepted rows that training data is made of.
COLUMNS = (
    "kind", "prompt", "responses", "ranks", "scale_min", "scale_max", "strength", "votes", "annotator", "source",
    "batch", "language", "automatic",
)  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """The training data, in the order in which it was met, and how it came to be.

    Attributes:
        demonstrations, preferences, ratings, prompts: columns of components/records.py, and `split`.
        read: accepted rows of people by kind.
        pairs: what their preferences were made of.
        written: demonstrations that people wrote or mended, the repeated ones with them.
        chosen: preferred answers that stand in for demonstrations.
        automatic: what rules and models judged; its preferences are among those above.
    """

    demonstrations: pl.DataFrame
    preferences: pl.DataFrame
    ratings: pl.DataFrame
    prompts: pl.DataFrame
    read: Counter[str]
    pairs: Pairs
    written: int
    chosen: int
    automatic: Automatic


def prepare(rows: pl.DataFrame, params: PrepareParams) -> Prepared:
    """Turn accepted rows, in the order of their batches and lines, into training data.

    Args:
        rows: `COLUMNS` at least.

    Raises:
        DataError: there is no preference at all, or none where a stage needs some.
    """
    by_machines, rows = rows.filter(~BY_PEOPLE), rows.filter(BY_PEOPLE)
    places = _places(rows["prompt"], params)
    pairs = pairs_of(rows.select(COLUMNS), params.judge_share)
    automatic = automatic_lessons(by_machines.select(COLUMNS), pairs.preferences, params)
    if params.votes == "reliability":
        pairs = replace(pairs, preferences=weigh(pairs.preferences))
    written = _written_demonstrations(rows, places)
    own = _unique(written)
    demonstrations = _unique(pl.concat([own, _chosen(pairs)])) if _wants_chosen(own, params) else own
    prepared = Prepared(
        demonstrations=_split(demonstrations, places),
        preferences=_with_automatic(_split(pairs.preferences, places), automatic),
        ratings=_ratings(rows, places),
        prompts=_prompts(rows, places),
        read=Counter(dict(rows.group_by("kind").len().rows())),
        pairs=pairs,
        written=written.height,
        chosen=demonstrations.height - own.height,
        automatic=automatic,
    )
    _refuse_unusable(prepared)
    return prepared


def _places(prompts: pl.Series, params: PrepareParams) -> pl.DataFrame:
    """Of each prompt: the text that makes it the same as another, its split, its role."""
    texts = prompts.unique(maintain_order=True).to_list()
    places = {
        "prompt": texts,
        "same": [normalise_prompt(text) for text in texts],
        "split": [split_of(text, params.validation_share, params.test_share) for text in texts],
        "role": [role_of(text, params.judge_share) for text in texts],
    }
    return pl.DataFrame(places, schema=dict.fromkeys(places, pl.String))


def _split(table: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    return table.join(places.select("prompt", "split"), on="prompt", how="left", maintain_order="left")


def _with_automatic(people: pl.DataFrame, automatic: Automatic) -> pl.DataFrame:
    """All that teaches; what is automatic only trains (automatic/lessons.py), and stands at the end."""
    return pl.concat([people, automatic.preferences.with_columns(pl.lit("train").alias("split"))])


def _written_demonstrations(rows: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """What people wrote, and what they made of an answer they mended.

    A mended answer is also a preference: on the judge's prompts it teaches the judge, and so not the policy.
    """
    placed = rows.join(places.select("prompt", "role"), on="prompt", how="left", maintain_order="left")
    of_the_judge = (pl.col("kind") == "edit") & (pl.col("role") == "judge")
    return placed.filter(pl.col("kind").is_in(["demonstration", "edit"]) & ~of_the_judge).select(
        "prompt", pl.col("responses").list.last().alias("response"), "source", "batch"
    )


def _unique(demonstrations: pl.DataFrame) -> pl.DataFrame:
    """The first of those with the same prompt and response."""
    return demonstrations.unique(["prompt", "response"], keep="first", maintain_order=True)


def _wants_chosen(written: pl.DataFrame, params: PrepareParams) -> bool:
    if params.chosen_as_demonstrations == "auto":
        return written.height < params.min_demonstrations
    return params.chosen_as_demonstrations == "always"


def _chosen(pairs: Pairs) -> pl.DataFrame:
    """Answers that people preferred, ties left out.

    The judge's preferences give none: what taught the judge must not teach the policy it will judge.
    """
    preferred = (pl.col("probability") > 0.5) & (pl.col("role") == "reward")
    return pairs.preferences.filter(preferred).select(
        "prompt", pl.col("chosen").alias("response"), "source", "batch"
    )


def _ratings(rows: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Each row of stars or thumbs with the mean of its votes."""
    rated = rows.filter(pl.col("kind").is_in(["rating", "thumbs"]))
    given = pl.col("votes").list.eval(pl.element().struct.field("label")).list.mean()
    is_thumb = pl.col("kind") == "thumbs"
    low, span = pl.col("scale_min"), pl.col("scale_max") - pl.col("scale_min")
    found = rated.select(
        "prompt",
        pl.col("responses").list.first().alias("response"),
        pl.when(is_thumb).then(given).otherwise((given - low) / span).alias("rating"),
        "source",
        "batch",
        "kind",
        pl.when(is_thumb).then(pl.lit(2)).otherwise(_levels(span)).cast(pl.Int64).alias("levels"),
    )
    return found.join(
        places.select("prompt", "role", "split"), on="prompt", how="left", maintain_order="left"
    )


def _levels(span: pl.Expr) -> pl.Expr:
    """Five of a scale from 1 to 5; a fine or fractional scale is read in tenths."""
    coarse = (span == span.floor()) & (span < MOST_LEVELS)
    return pl.when(coarse).then(span + 1).otherwise(MOST_LEVELS)


def _prompts(rows: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """The prompts of all kinds of rows; of prompts that differ in case or spaces alone, the first."""
    told = rows.select("prompt", "source", pl.col("language").fill_null(""))
    first = told.unique("prompt", keep="first", maintain_order=True)
    known = first.join(
        places.select("prompt", "same", "split"), on="prompt", how="left", maintain_order="left"
    )
    return known.unique("same", keep="first", maintain_order=True).drop("same")


def _refuse_unusable(prepared: Prepared) -> None:
    if prepared.preferences.is_empty():
        raise DataError(
            "the accepted feedback holds no comparison of two answers",
            "ingest pairwise judgements, rankings, edits, or ratings of several answers to one prompt",
        )
    missing = [name for name, is_there in _needs(prepared).items() if not is_there]
    if missing:
        raise DataError(
            f"too little feedback: there are no {', no '.join(missing)}",
            "ingest feedback on more prompts, or change the shares under prepare in params.yaml",
        )


def _needs(prepared: Prepared) -> dict[str, bool]:
    """What the later stages can't do without, and whether it is there."""
    to_train, to_test = pl.col("split") == "train", pl.col("split") == "test"
    roles = set(prepared.preferences.filter(to_train)["role"])
    return {
        "demonstrations to train on": not prepared.demonstrations.filter(to_train).is_empty(),
        "preferences to train the reward model on": "reward" in roles,
        "preferences to train the judge on": "judge" in roles,
        "preferences to test on": not prepared.preferences.filter(to_test).is_empty(),
    }
