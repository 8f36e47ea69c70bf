"""How often a reward model, or a rule of thumb, prefers the answer that people preferred."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.evaluation.intervals import (
    DEFAULT_BOOTSTRAP,
    Bootstrap,
    Estimate,
    Floats,
    finite,
    mean_over_prompts,
)
from components.evaluation.win_rate import wins_of
from components.records import Preference


@dataclass(frozen=True)
class Accuracy(Estimate):
    """Weighted share of pairs ranked as people ranked them, with its interval over prompts.

    Attributes:
        pairs: how many pairs it rests on.
        ties: pairs left out because people preferred neither.
    """

    pairs: int
    ties: int


def pairwise_accuracy(
    margins: npt.ArrayLike, preferences: Sequence[Preference], bootstrap: Bootstrap = DEFAULT_BOOTSTRAP
) -> Accuracy:
    """Accuracy of score margins; a margin of zero counts half.

    The interval is a bootstrap over prompts, not Wilson's over pairs: the pairs of one ranking share their
    answers, and Wilson's would take them for independent (Miller 2024, "Adding error bars to evals").

    Args:
        margins: [pairs] score of `chosen` minus score of `rejected`.
        preferences: [pairs] the pairs; those of probability 0.5 are ties.

    Returns:
        NaN throughout where every pair is a tie, or there is none.

    Raises:
        ValueError: a margin is NaN or infinite, a weight not above zero, or the lengths differ.
    """
    margins = aligned(margins, preferences)
    leanings = np.array([pair.probability - 0.5 for pair in preferences])
    decided = leanings != 0
    correct = wins_of(margins * np.sign(leanings))[decided]
    kept = [pair for pair, counts in zip(preferences, decided, strict=True) if counts]
    totals, weights = _sum_by_prompt(correct, kept)
    estimate = mean_over_prompts(totals, weights, bootstrap)
    ties = len(preferences) - len(kept)
    return Accuracy(estimate.value, estimate.lower, estimate.upper, pairs=len(kept), ties=ties)


def longer_wins_accuracy(
    preferences: Sequence[Preference], bootstrap: Bootstrap = DEFAULT_BOOTSTRAP
) -> Accuracy:
    """Accuracy of preferring the answer with more characters: what a reward model must beat."""
    return pairwise_accuracy(length_margins(preferences), preferences, bootstrap)


def length_margins(preferences: Sequence[Preference]) -> Floats:
    """[pairs] characters of `chosen` minus characters of `rejected`."""
    return np.array([len(pair.chosen) - len(pair.rejected) for pair in preferences], dtype=np.float64)


def accuracy_by(
    group_of: Callable[[Preference], str],
    margins: npt.ArrayLike,
    preferences: Sequence[Preference],
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
) -> dict[str, Accuracy]:
    """Accuracy within each group, such as each source or batch, by the group's name in order."""
    margins = aligned(margins, preferences)
    groups = [group_of(pair) for pair in preferences]
    result = {}
    for name in sorted(set(groups)):
        rows = [row for row, group in enumerate(groups) if group == name]
        result[name] = pairwise_accuracy(margins[rows], [preferences[row] for row in rows], bootstrap)
    return result


def aligned(margins: npt.ArrayLike, preferences: Sequence[Preference]) -> Floats:
    """The margins as floats, one a pair.

    Raises:
        ValueError: they are not one finite number a pair, or a pair weighs nothing.
    """
    array = finite(margins, "margins")
    if array.shape != (len(preferences),):
        raise ValueError(f"margins of shape {array.shape} for {len(preferences)} pairs")
    if not all(pair.weight > 0 for pair in preferences):
        raise ValueError("every pair needs a weight above zero")
    return array


def _sum_by_prompt(correct: Floats, pairs: Sequence[Preference]) -> tuple[Floats, Floats]:
    """[prompts] weighted count of right pairs, and [prompts] weight, of each distinct prompt."""
    numbers: dict[str, int] = {}
    rows = np.array([numbers.setdefault(pair.prompt, len(numbers)) for pair in pairs], dtype=np.intp)
    weights = np.array([pair.weight for pair in pairs], dtype=np.float64)
    totals: Floats = np.bincount(rows, weights * correct).astype(np.float64)
    return totals, np.bincount(rows, weights).astype(np.float64)
