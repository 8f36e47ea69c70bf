"""Judgements of the same two answers, by whomever and in whatever batch, as one preference."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from components.feedback.comparisons import Comparison
from components.feedback.splits import role_of
from components.records import Preference


def aggregate(comparisons: Iterable[Comparison], judge_share: float) -> list[Preference]:
    """One preference for each prompt and two answers, in any order; in the order they were first met.

    Its probability is the sum of the labels divided by their number, seen from the preferred answer and so at
    least 0.5; an exact tie stays, at 0.5. Its weight is that of its weightiest judgement; its source and
    batch are those of the first.
    """
    pairs: dict[tuple[str, frozenset[str]], list[Comparison]] = {}
    for comparison in comparisons:
        key = comparison.prompt, frozenset((comparison.first, comparison.second))
        pairs.setdefault(key, []).append(comparison)
    return [_preference(judged, judge_share) for judged in pairs.values()]


def _preference(judged: list[Comparison], judge_share: float) -> Preference:
    model = judged[0]
    probability = fmean(_label_for(model.first, comparison) for comparison in judged)
    first_wins = probability >= 0.5
    return Preference(
        prompt=model.prompt,
        chosen=model.first if first_wins else model.second,
        rejected=model.second if first_wins else model.first,
        probability=probability if first_wins else 1 - probability,
        weight=max(comparison.weight for comparison in judged),
        source=model.source,
        batch=model.batch,
        role=role_of(model.prompt, judge_share),
    )


def _label_for(answer: str, comparison: Comparison) -> float:
    return comparison.label if comparison.first == answer else 1 - comparison.label
