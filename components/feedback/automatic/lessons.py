"""What automatic feedback teaches the reward model: pairs that no person judged, each for as much as is certain of it.

An annotator that is right with probability p (agreement.py) draws a pair's label to p, and its weight is 2p - 1. The
doubt is in both, on purpose: the label bounds how far such a pair takes a margin, log(p / (1 - p)), and with the weight
it moves a margin of 0 by (2p - 1)^2 of what a person's does, which is what it tells beside one that is never wrong
(the ratio of their Fisher informations). Of several on one pair the labels' mean counts, for rules are wrong together,
and the weight of the most trusted. They are at most `prepare.automatic_share` of the pairs that teach the reward model,
the most trusted first: the cheapest feedback must not decide how long the training takes. Where people judged a pair,
their word alone counts; what is held out, and what teaches the judge, is people's.
"""

from __future__ import annotations

import json
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
from components.files import sha256_bytes
from components.records import Opinion, Preference


@dataclass(frozen=True)
class Automatic:
    """Automatic feedback in the training data.

    Attributes:
        preferences: columns of `Preference`: what the reward model learns from it.
        rows: accepted ones.
        found: pairs of different answers in them; held_out: of these, on prompts that it may not teach on;
        judged: by people, too; unsure: by annotators without measured agreement, or who contradict each other;
        beyond: more than `prepare.automatic_share`.
        agreement: of each annotator.
        share: of the reward model's training weight.
    """

    preferences: pl.DataFrame = field(default_factory=lambda: frame_of(Preference, []))
    rows: int = 0
    found: int = 0
    held_out: int = 0
    judged: int = 0
    unsure: int = 0
    beyond: int = 0
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
    taught = _most_trusted(weighed, _most(theirs.height, params.automatic_share))
    return Automatic(
        preferences=taught,
        rows=rows.height,
        found=pairs.height,
        held_out=pairs.height - fit.height,
        judged=fit.height - alone.height,
        unsure=alone.height - weighed.height,
        beyond=weighed.height - taught.height,
        agreement=agreement,
        share=_share(float(taught["weight"].sum()), float(theirs["weight"].sum())),
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


def _most(people: int, share: float) -> int:
    """How many pairs may stand beside so many of people's, at most."""
    # In whole millionths: 1 - 0.2 is a little more or less than 0.8.
    millionths = round(share * 1_000_000)
    return people * millionths // max(1, 1_000_000 - millionths)


def _most_trusted(preferences: pl.DataFrame, most: int) -> pl.DataFrame:
    """That many of them, in their order; of equally trusted ones those that their texts' digests put first.

    What annotators say of a pair against each other counts against it.
    """
    if preferences.height <= most:
        return preferences
    digests = [_digest(*texts) for texts in preferences.select("prompt", "chosen", "rejected").iter_rows()]
    ranked = preferences.with_row_index("place").with_columns(
        pl.Series("digest", digests, dtype=pl.String), told=pl.col("weight") * (pl.col("probability") - 0.5)
    )
    kept = ranked.sort(["told", "digest"], descending=[True, False]).head(most)
    return kept.sort("place").select(preferences.columns)


def _digest(*texts: str) -> str:
    return sha256_bytes(json.dumps(texts).encode("ascii"))


def _share(weight: float, people: float) -> float:
    return weight / (weight + people) if weight else 0.0
