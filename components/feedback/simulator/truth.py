"""What knowing the true utility would reach on the same noisy labels."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from components.feedback.simulator.utility import gold_utility
from components.records import Preference

#: `source` of feedback whose true utility is known.
GOLD_SOURCE = "simulator"


def bayes_accuracy(preferences: Iterable[Preference]) -> float | None:
    """Weighted accuracy of the true utility's sign on decided preferences; None where nothing is decided.

    A preference of probability 0.5 is a tie: it has no label, so it is left out.
    Two answers of equal utility count half, as a guess would.
    """
    decided = [preference for preference in preferences if preference.probability > 0.5]
    if not decided:
        return None
    wins = [gold_wins(item.prompt, item.chosen, item.rejected) for item in decided]
    return fmean(wins, weights=[item.weight for item in decided])


def gold_wins(prompt: str, response: str, other: str) -> float:
    """1.0 if `response` is truly better than `other`, 0.0 if worse, 0.5 if as good."""
    margin = gold_utility(prompt, response) - gold_utility(prompt, other)
    return 0.5 if abs(margin) < 1e-9 else float(margin > 0)
