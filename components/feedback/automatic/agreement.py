"""How far automatic annotators agree with people, on pairs that both judged.

Accuracy: of the pairs that both decide, the share on which the annotator prefers what most people prefer. Judgements of
one prompt are alike, so the interval is Wilson's of as many judgements as there are prompts. What is certain of it, its
lower end p, is how far an annotator is trusted, and its judgements weigh 2p - 1: nothing for a coin or an annotator
whom nobody was held against, as much as a person's for one that is always right.

Measured on the training prompts of the reward model alone: what is held out, and what teaches the judge, decides
nothing.
"""

from __future__ import annotations

from typing import TypedDict

import polars as pl

from components.config import PrepareParams
from components.feedback.quality.proportions import wilson
from components.feedback.splits import role_of, split_of


class Agreement(TypedDict):
    """Of one annotator. accuracy: None where both decided no pair; lower, upper: of 95 %; weight: of a judgement."""

    pairs: int
    prompts: int
    accuracy: float | None
    lower: float
    upper: float
    weight: float


def agreement_with_people(automatic: pl.DataFrame, people: pl.DataFrame) -> dict[str, Agreement]:
    """Each automatic annotator, by name in order.

    Args:
        automatic, people: preferences (columns of `Preference`) on the prompts to measure on.
    """
    given = said(automatic)
    shared = given.join(_decided(people), on=["prompt", "pair"], how="inner")
    found = shared.group_by("annotator").agg(
        pl.len().alias("pairs"),
        pl.col("prompt").n_unique().alias("prompts"),
        (pl.col("better") == pl.col("preferred")).mean().alias("accuracy"),
    )
    known = {row.pop("annotator"): row for row in found.iter_rows(named=True)}
    nothing = {"pairs": 0, "prompts": 0, "accuracy": None}
    return {name: _agreement(**known.get(name, nothing)) for name in given["annotator"].unique().sort()}


def told(found: Agreement) -> str:
    """Such as "agrees with people on 71.0% [61.5%, 79.0%] of 100 pairs, weight 0.23"."""
    if found["accuracy"] is None:
        return "never held against people, weight 0"
    spread = f"{found['accuracy']:.1%} [{found['lower']:.1%}, {found['upper']:.1%}]"
    return f"agrees with people on {spread} of {found['pairs']:,} pairs, weight {found['weight']:.2f}"


def said(preferences: pl.DataFrame) -> pl.DataFrame:
    """The decided opinions, a row each: prompt, pair (both answers, in order), annotator, better (the answer)."""
    opinions = preferences.select("prompt", "chosen", "rejected", pl.col("opinions").alias("opinion"))
    each = opinions.explode("opinion").unnest("opinion").filter(pl.col("vote") != 0.5)
    better = pl.when(pl.col("vote") > 0.5).then("chosen").otherwise("rejected")
    return each.select("prompt", pair(), "annotator", better.alias("better"))


def pair() -> pl.Expr:
    """The two answers of a preference, the same whichever is preferred."""
    answers = pl.concat_list("chosen", "rejected").list.sort()
    return answers.alias("pair")


def on_training_prompts(preferences: pl.DataFrame, params: PrepareParams) -> pl.DataFrame:
    """Those that may teach the reward model."""
    prompts = preferences["prompt"].unique()
    fit = [prompt for prompt in prompts if _teaches_reward(prompt, params)]
    return preferences.filter(pl.col("prompt").is_in(pl.Series(fit, dtype=pl.String).implode()))


def _teaches_reward(prompt: str, params: PrepareParams) -> bool:
    split = split_of(prompt, params.validation_share, params.test_share)
    return split == "train" and role_of(prompt, params.judge_share) == "reward"


def _decided(people: pl.DataFrame) -> pl.DataFrame:
    """What most people prefer: prompt, pair, preferred."""
    decided = people.filter(pl.col("probability") > 0.5)
    return decided.select("prompt", pair(), pl.col("chosen").alias("preferred"))


def _agreement(pairs: int, prompts: int, accuracy: float | None) -> Agreement:
    lower, upper = wilson(accuracy or 0.0, prompts)
    weight = max(0.0, 2 * lower - 1)
    return Agreement(pairs=pairs, prompts=prompts, accuracy=accuracy, lower=lower, upper=upper, weight=weight)
