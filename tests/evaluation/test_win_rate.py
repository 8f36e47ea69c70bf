"""Win rates by hand, their symmetries, and why prompts and not answers are resampled."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.evaluation.intervals import Bootstrap
from components.evaluation.win_rate import win_rate, wins_by_prompt

QUICK = Bootstrap(200, 0.95, 0)


def test_a_win_a_tie_a_loss_and_a_win() -> None:
    rate = win_rate([1.0, 2.0, 3.0, 4.0], [0.0, 2.0, 5.0, 1.0], QUICK)
    assert rate.value == 0.625
    assert rate.prompts == 4


def test_each_sample_meets_each_of_the_other_side() -> None:
    wins = wins_by_prompt([[1.0, 3.0], [2.0, 2.0]], [[2.0, 0.0], [2.0, 1.0]])
    assert wins.tolist() == [0.75, 0.75]


def test_sides_may_differ_in_samples_a_prompt() -> None:
    assert wins_by_prompt([[1.0, 3.0, 5.0]], [2.0]).tolist() == [2 / 3]


def test_prompts_are_paired_not_pooled() -> None:
    """A little better on every prompt, hard or easy, is a win on every prompt."""
    hardness = np.arange(50, dtype=float)
    assert win_rate(hardness + 0.1, hardness, QUICK).value == 1.0
    assert win_rate(hardness + 0.1, hardness[::-1].copy(), QUICK).value < 0.6


def test_no_prompt_is_nan() -> None:
    rate = win_rate([], [])
    assert (math.isnan(rate.value), math.isnan(rate.lower), rate.prompts) == (True, True, 0)


def test_one_prompt_shows_nothing_above_a_half() -> None:
    rate = win_rate([1.0], [0.0])
    assert rate.value == 1.0
    assert rate.lower < 0.5


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="baseline scores: 1 of 2"):
        win_rate([1.0, 2.0], [1.0, bad])


def test_prompts_must_pair_up() -> None:
    with pytest.raises(ValueError, match="2 prompts of candidate scores against 3"):
        win_rate([1.0, 2.0], [1.0, 2.0, 3.0])


def test_three_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        win_rate([[[1.0]]], [1.0])


SCORES = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=40)


@given(SCORES)
def test_what_one_side_wins_the_other_loses(pairs: list[tuple[int, int]]) -> None:
    ours, theirs = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    there = win_rate(ours, theirs, Bootstrap(20, 0.95, 0)).value
    back = win_rate(theirs, ours, Bootstrap(20, 0.95, 0)).value
    assert there + back == pytest.approx(1.0)


@given(SCORES)
def test_only_the_order_of_scores_counts(pairs: list[tuple[int, int]]) -> None:
    ours, theirs = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    stretched = wins_by_prompt(np.exp(ours), np.exp(theirs))
    assert stretched.tolist() == wins_by_prompt(ours, theirs).tolist()


def test_samples_of_one_prompt_are_not_independent() -> None:
    """Half the prompts are won nearly always, half seldom: the true rate is 0.55.

    Taking the 30 x 6 answers for independent covers it far too seldom; prompts as clusters cover it at the
    nominal rate (band as in test_intervals, wider below for 30 prompts).
    """
    generator = np.random.default_rng(11)
    clustered = pooled = 0
    for repeat in range(200):
        ease = generator.choice([0.2, 0.9], size=(30, 1))
        margins = np.where(generator.random((30, 6)) < ease, 1.0, -1.0)
        bootstrap = Bootstrap(300, 0.95, repeat)
        clustered += _covers(win_rate(margins, np.zeros(30), bootstrap))
        pooled += _covers(win_rate(margins.ravel(), np.zeros(180), bootstrap))
    assert clustered / 200 >= 0.89
    assert pooled / 200 < 0.80


def _covers(rate: object) -> bool:
    return rate.lower <= 0.55 <= rate.upper  # type: ignore[attr-defined]
