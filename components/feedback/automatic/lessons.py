"""What automatic feedback teaches the reward model: pairs that no person judged, each for as much as is certain of it.

An annotator that is right with probability p (agreement.py) draws a pair's label to p, and its weight is 2p - 1. The
doubt is in both, on purpose: the label bounds how far such a pair takes a margin, log(p / (1 - p)), and with the weight
it moves a margin of 0 by (2p - 1)^2 of what a person's does, which is what it tells beside one that is never wrong
(the ratio of their Fisher informations). Of several on one pair the labels' mean counts, for rules are wrong together,
and the weight of the most trusted. All of them together weigh at most
`prepare.automatic_share` of what teaches the reward model. Where people judged a pair, their word alone counts; what is
held out, and what teaches the judge, is people's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from components.config import PrepareParams
from components.feedback.automatic.agreement import (
    Agreement,
    agreement_with_people,
    on_training_prompts,
    pair,
)
from components.feedback.frames import frame_of
from components.feedback.pairs import pairs_of
from components.feedback.preferences import settle
from components.records import Opinion, Preference


@dataclass(frozen=True)
class Automatic:
    """Automatic feedback in the training data.

    Attributes:
        preferences: columns of `Preference`: what the reward model learns from it.
        rows: accepted ones.
        found: pairs of different answers in them; held_out: of these, on prompts that it may not teach on;
        judged: by people, too; unsure: by annotators without measured agreement, or who contradict each other.
        agreement: of each annotator.
        share: of the reward model's training weight.
    """

    preferences: pl.DataFrame = field(default_factory=lambda: frame_of(Preference, []))
    rows: int = 0
    found: int = 0
    held_out: int = 0
    judged: int = 0
    unsure: int = 0
    agreement: Mapping[str, Agreement] = field(default_factory=dict)
    share: float = 0.0


def automatic_lessons(rows: pl.DataFrame, people: pl.DataFrame, params: PrepareParams) -> Automatic:
    """What accepted rows that no person judged teach.

    Args:
        rows: `prepared.COLUMNS`, automatic ones.
        people: the preferences of people (columns of `Preference`), votes counted alike.
    """
    if rows.is_empty():
        return Automatic()
    pairs = pairs_of(rows, params.judge_share).preferences
    fit, theirs = on_training_prompts(pairs, params), on_training_prompts(people, params)
    agreement = agreement_with_people(fit, theirs)
    alone = _without(fit, people)
    weighed = _weighed(alone, agreement)
    taught, share = _bounded(weighed, float(theirs["weight"].sum()), params.automatic_share)
    return Automatic(
        preferences=taught,
        rows=rows.height,
        found=pairs.height,
        held_out=pairs.height - fit.height,
        judged=fit.height - alone.height,
        unsure=alone.height - taught.height,
        agreement=agreement,
        share=share,
    )


def _without(preferences: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """The pairs that no person judged."""
    judged, known = people.select("prompt", pair()), preferences.with_columns(pair())
    return known.join(judged, on=["prompt", "pair"], how="anti", maintain_order="left").drop("pair")


def _weighed(preferences: pl.DataFrame, agreement: Mapping[str, Agreement]) -> pl.DataFrame:
    """The pairs by what is trusted in their judgements; those that nobody trusted decides are gone."""
    made = (_by_trust(row, agreement) for row in preferences.iter_rows(named=True))
    return frame_of(Preference, [each for each in made if each is not None and each.probability > 0.5])


def _by_trust(row: dict[str, Any], agreement: Mapping[str, Agreement]) -> Preference | None:
    given = [Opinion(**opinion) for opinion in row["opinions"]]
    opinions = [
        replace(opinion, strength=None, trust=known["lower"], weight=known["weight"])
        for opinion in given
        if opinion.vote != 0.5 and (known := agreement[str(opinion.annotator)])["weight"] > 0
    ]
    return settle(Preference(**row | {"opinions": ()}), opinions) if opinions else None


def _bounded(preferences: pl.DataFrame, people: float, most: float) -> tuple[pl.DataFrame, float]:
    """The pairs, lighter where they weigh more than their share beside people's; and the share that they have."""
    total = float(preferences["weight"].sum())
    if not total or not most:
        return preferences.clear(), 0.0
    scale = min(1.0, people * most / (1 - most) / total)
    weighed = total * scale
    return preferences.with_columns(pl.col("weight") * scale), weighed / (weighed + people)
