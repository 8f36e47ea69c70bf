"""Accuracy of margins against people's preferences."""

from __future__ import annotations

import math

import numpy as np
import pytest

from components.evaluation.accuracy import accuracy_by, longer_wins_accuracy, pairwise_accuracy
from components.evaluation.intervals import Bootstrap
from components.records import Preference

QUICK = Bootstrap(300, 0.95, 0)


def pair(prompt: str, probability: float = 1.0, weight: float = 1.0, source: str = "") -> Preference:
    return Preference(prompt, "better", "worse", probability, weight, source)


def test_right_wrong_level_and_tie_by_hand() -> None:
    """Right (weight 1), wrong (2) and level (1, half): 1.5 of 4; the tie is left out."""
    pairs = [pair("a", 0.8), pair("b", 1.0, 2.0), pair("c", 0.6), pair("d", 0.5)]
    accuracy = pairwise_accuracy([2.0, -1.0, 0.0, 3.0], pairs, QUICK)
    assert accuracy.value == pytest.approx(0.375)
    assert (accuracy.pairs, accuracy.ties) == (3, 1)


def test_a_preference_below_a_half_is_for_the_other_answer() -> None:
    assert pairwise_accuracy([-1.0], [pair("a", 0.2)], QUICK).value == 1.0


@pytest.mark.parametrize("pairs", [[], [pair("a", 0.5)]])
def test_nothing_but_ties_is_nan(pairs: list[Preference]) -> None:
    accuracy = pairwise_accuracy([1.0] * len(pairs), pairs, QUICK)
    assert math.isnan(accuracy.value)
    assert accuracy.figures("accuracy")["accuracy_ci"] == [None, None]


def test_longer_wins_counts_characters() -> None:
    pairs = [
        Preference("a", "a long answer", "short"),
        Preference("b", "no", "a long answer"),
        Preference("c", "four", "five"),
        Preference("d", "longer", "no"),
    ]
    assert longer_wins_accuracy(pairs, QUICK).value == pytest.approx(2.5 / 4)


def test_groups_are_measured_apart_and_named_in_order() -> None:
    pairs = [pair("a", source="web"), pair("b", source="app"), pair("c", source="web")]
    groups = accuracy_by(lambda row: row.source, [1.0, -1.0, -2.0], pairs, QUICK)
    assert list(groups) == ["app", "web"]
    assert [(group.value, group.pairs) for group in groups.values()] == [(0.0, 1), (0.5, 2)]


def test_pairs_of_one_prompt_count_as_one_draw() -> None:
    """The same pairs written down ten times are no more evidence."""
    prompts = [pair(f"p{number}") for number in range(40)]
    margins = np.where(np.arange(40) % 4 == 0, -1.0, 1.0)
    once = pairwise_accuracy(margins, prompts, QUICK)
    tenfold = pairwise_accuracy(np.repeat(margins, 10), [row for row in prompts for _ in range(10)], QUICK)
    assert (tenfold.lower, tenfold.upper) == pytest.approx((once.lower, once.upper))
    assert tenfold.pairs == 10 * once.pairs


def test_coverage_where_pairs_come_from_rankings() -> None:
    """Each prompt has a ranking of four answers, six pairs, that the model gets right with 0.95 or 0.45.

    The true accuracy is 0.70; of 200 intervals on 50 prompts at least 0.89 cover it (0.95 less three
    standard errors of 0.015, less 0.01 for the percentile method).
    """
    generator = np.random.default_rng(5)
    pairs = [pair(f"p{number // 6}", weight=0.5) for number in range(300)]
    covered = 0
    for repeat in range(200):
        ease = np.repeat(generator.choice([0.95, 0.45], size=50), 6)
        margins = np.where(generator.random(300) < ease, 1.0, -1.0)
        accuracy = pairwise_accuracy(margins, pairs, Bootstrap(300, 0.95, repeat))
        covered += accuracy.lower <= 0.70 <= accuracy.upper
    assert 0.89 <= covered / 200 <= 0.99


def test_margins_must_be_finite_one_a_pair_and_weigh_something() -> None:
    with pytest.raises(ValueError, match="not finite"):
        pairwise_accuracy([math.nan], [pair("a")])
    with pytest.raises(ValueError, match="for 1 pairs"):
        pairwise_accuracy([1.0, 2.0], [pair("a")])
    with pytest.raises(ValueError, match="weight above zero"):
        pairwise_accuracy([1.0], [pair("a", weight=0.0)])
