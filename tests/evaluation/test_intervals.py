"""Intervals: literals by hand, and coverage by simulation.

The share of 300 simulated intervals that cover has a standard error of 0.013 about 0.95; three of them, and
0.01 for the percentile method's own shortfall on 60 prompts, give the band [0.90, 0.99].
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.evaluation.intervals import (
    Bootstrap,
    Estimate,
    effective_count,
    finite,
    mean_over_prompts,
    wilson_interval,
)


def test_wilson_of_eight_in_ten() -> None:
    assert wilson_interval(0.8, 10, 0.95) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_wilson_of_all_of_two_is_n_over_n_plus_z_squared() -> None:
    assert wilson_interval(1.0, 2, 0.95) == pytest.approx((2 / (2 + 1.959964**2), 1.0), abs=1e-6)


def test_effective_count_of_unequal_weights() -> None:
    assert effective_count(np.array([1.0, 1.0, 2.0])) == pytest.approx(16 / 6)


def test_weighted_mean_by_hand() -> None:
    estimate = mean_over_prompts(np.array([1.0, 0.0, 1.0]), np.array([1.0, 1.0, 2.0]), Bootstrap())
    assert estimate.value == pytest.approx(0.5)


def test_two_wins_of_two_are_no_certainty() -> None:
    estimate = mean_over_prompts(np.ones(2), np.ones(2), Bootstrap())
    assert (estimate.value, estimate.upper) == (1.0, 1.0)
    assert estimate.lower == pytest.approx(0.3424, abs=1e-4)


def test_four_wins_and_a_tie_are_no_proof() -> None:
    """The percentile interval alone would start at 0.7; Wilson's of 4.5 in 5 starts at 0.46."""
    estimate = mean_over_prompts(np.array([1.0, 1.0, 1.0, 1.0, 0.5]), np.ones(5), Bootstrap())
    assert estimate.lower == pytest.approx(0.463, abs=1e-3)


def test_many_wins_of_many_are_no_certainty_either() -> None:
    estimate = mean_over_prompts(np.ones(100), np.ones(100), Bootstrap())
    assert estimate.lower == pytest.approx(100 / (100 + 1.959964**2), abs=1e-6)


def test_nothing_measured_is_nan_and_becomes_null() -> None:
    estimate = mean_over_prompts(np.empty(0), np.empty(0), Bootstrap())
    assert math.isnan(estimate.value)
    assert estimate.figures("accuracy") == {"accuracy": None, "accuracy_ci": [None, None]}


def test_figures_carry_value_and_interval() -> None:
    assert Estimate(0.5, 0.4, 0.6).figures("x") == {"x": 0.5, "x_ci": [0.4, 0.6]}


def test_the_seed_decides_the_interval() -> None:
    values = np.random.default_rng(1).random(50)
    first, again, other = (
        mean_over_prompts(values, np.ones(50), Bootstrap(200, 0.95, seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_more_confidence_is_a_wider_interval() -> None:
    values = np.random.default_rng(1).random(50)
    narrow, wide = (mean_over_prompts(values, np.ones(50), Bootstrap(500, c, 1)) for c in (0.8, 0.99))
    assert wide.lower < narrow.lower < narrow.upper < wide.upper


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_and_counted(value: float) -> None:
    with pytest.raises(ValueError, match="judge: 1 of 3 values are not finite"):
        finite([0.0, value, 1.0], "judge")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.85])
def test_coverage_is_near_nominal(share: float) -> None:
    assert 0.90 <= _coverage(share, prompts=60) <= 0.99


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_coverage_on_few_prompts_is_wilsons(share: float) -> None:
    """On 8 prompts Wilson's covers with 0.930 and 0.944 (binomial sums), less three standard errors.

    The percentile interval alone cannot reach it: at 0.8, all eight are won with 0.17, and [1, 1] misses.
    """
    assert _coverage(share, prompts=8) >= 0.885


def _coverage(share: float, prompts: int, repeats: int = 300) -> float:
    generator = np.random.default_rng(42)
    covered = 0
    for repeat in range(repeats):
        wins = (generator.random(prompts) < share).astype(float)
        estimate = mean_over_prompts(wins, np.ones(prompts), Bootstrap(300, 0.95, repeat))
        covered += estimate.lower <= share <= estimate.upper
    return covered / repeats


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_an_interval_of_shares_lies_within_0_and_1(values: list[float]) -> None:
    estimate = mean_over_prompts(np.array(values), np.ones(len(values)), Bootstrap(50, 0.95, 0))
    assert 0 <= estimate.lower <= estimate.upper <= 1 + 1e-12
