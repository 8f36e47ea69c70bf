"""The figures of the data card: what the whole dataset is like."""

from __future__ import annotations

from collections import Counter

import polars as pl

from components.config import PrepareParams
from components.feedback.automatic.agreement import agreement_with_people, on_training_prompts
from components.feedback.automatic.names import BY_PEOPLE
from components.feedback.pairs import pairs_of
from components.feedback.quality.agreement import agreement_figures
from components.feedback.quality.outline import outline, votes_of
from components.feedback.report.describe import Figures, describe
from components.feedback.report.people import people_of
from components.feedback.splits import ROLES, SPLITS, role_of, split_of


def dataset_figures(rows: pl.LazyFrame, params: PrepareParams) -> Figures:
    """Of all accepted rows; what is not said to be automatic is about those of people.

    Returns:
        as describe.py; agreement: as quality/agreement.py, without people; annotators: how many have a name, the
        largest share of one, and quantiles of judgements and reliability; splits: prompts by split and role;
        automatic: where no person judged some rows, {rows, annotators: as automatic/agreement.py}.
    """
    everything, rows = rows, rows.filter(BY_PEOPLE)
    people = people_of(rows)
    votes = votes_of(outline(rows)).collect(engine="streaming")
    agreement = agreement_figures(votes)
    agreement.get("pairwise", {}).pop("kappa", None)
    return {
        **describe(rows),
        "agreement": agreement,
        "annotators": _annotators(people),
        "splits": _splits(rows, params),
        "automatic": _automatic(everything, params),
    }


def _automatic(rows: pl.LazyFrame, params: PrepareParams) -> Figures:
    """{} where people judged everything."""
    # Of people's rows only those on the same prompts are read.
    found = rows.filter(~BY_PEOPLE).collect(engine="streaming")
    if found.is_empty():
        return {}
    prompts = found.select("prompt").unique().lazy()
    theirs = rows.filter(BY_PEOPLE).join(prompts, on="prompt", how="semi").collect(engine="streaming")
    both = (_preferences(part, params) for part in (found, theirs))
    return {"rows": found.height, "annotators": agreement_with_people(*both)}


def _preferences(rows: pl.DataFrame, params: PrepareParams) -> pl.DataFrame:
    """On the prompts that agreement is measured on."""
    pairs = pairs_of(rows.with_columns(pl.lit("").alias("batch")), params.judge_share)
    return on_training_prompts(pairs.preferences, params)


def _annotators(people: pl.DataFrame) -> Figures:
    def quantiles(column: str) -> list[float] | None:
        values = people[column].drop_nulls()
        found = [values.quantile(share, "linear") for share in (0.1, 0.5, 0.9)]
        return [round(value, 4) for value in found if value is not None] or None

    return {
        "named": people.height,
        "largest_share": people["share"].max() if people.height else None,
        "judgements": quantiles("judgements"),
        "reliability": quantiles("reliability"),
    }


def _splits(rows: pl.LazyFrame, params: PrepareParams) -> dict[str, dict[str, int]]:
    prompts = rows.select(pl.col("prompt").unique()).collect(engine="streaming")["prompt"]
    counts = Counter(
        (split_of(text, params.validation_share, params.test_share), role_of(text, params.judge_share))
        for text in prompts
    )
    return {split: {role: counts[split, role] for role in ROLES} for split in SPLITS}
