"""Judgements of the same two answers, by whomever and in whatever batch, as one preference."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from statistics import fmean

from components.feedback.comparisons import Comparison
from components.feedback.splits import role_of
from components.records import Opinion, Preference


def aggregate(comparisons: Iterable[Comparison], judge_share: float) -> list[Preference]:
    """One preference for each prompt and two answers, in any order; in the order they were first met.

    Its probability is the sum of the labels divided by their number, seen from the preferred answer and so at
    least 0.5; an exact tie stays, at 0.5. Its margin is the mean of the leads, and at least 0. Its weight is that
    of its weightiest judgement; its source and batch are those of the first.
    """
    pairs: dict[tuple[str, frozenset[str]], list[Comparison]] = {}
    for comparison in comparisons:
        key = comparison.prompt, frozenset((comparison.first, comparison.second))
        pairs.setdefault(key, []).append(comparison)
    return [_preference(judged, judge_share) for judged in pairs.values()]


def without_kinds(preferences: Iterable[Preference], kinds: Collection[str]) -> list[Preference]:
    """The preferences as they are without judgements of these kinds; those that rest on nothing else are gone."""
    kept = []
    for preference in preferences:
        opinions = [opinion for opinion in preference.opinions if opinion.kind not in kinds]
        if len(opinions) == len(preference.opinions):
            kept.append(preference)
        elif opinions:
            kept.append(settle(preference, opinions))
    return kept


def _preference(judged: Sequence[Comparison], judge_share: float) -> Preference:
    model = judged[0]
    role = role_of(model.prompt, judge_share)
    pair = Preference(
        model.prompt, model.first, model.second, source=model.source, batch=model.batch, role=role
    )
    return settle(pair, [_opinion_of(model.first, comparison) for comparison in judged])


def _opinion_of(answer: str, comparison: Comparison) -> Opinion:
    return comparison.opinion if comparison.first == answer else comparison.opinion.turned()


def settle(pair: Preference, opinions: Sequence[Opinion]) -> Preference:
    """The pair as these opinions of `chosen` see it, turned where they prefer the other answer."""
    if fmean(opinion.label for opinion in opinions) < 0.5:
        pair = replace(pair, chosen=pair.rejected, rejected=pair.chosen)
        opinions = [opinion.turned() for opinion in opinions]
    return replace(
        pair,
        # Rounding may leave a tie a hair below its one half.
        probability=max(0.5, fmean(opinion.label for opinion in opinions)),
        weight=max(opinion.weight for opinion in opinions),
        margin=max(0.0, fmean(opinion.lead for opinion in opinions)),
        opinions=tuple(opinions),
    )
