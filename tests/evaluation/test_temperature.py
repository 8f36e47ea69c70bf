"""The temperature that fits held-out pairs, against minima found by hand."""

import math

import numpy as np
import pytest

from components.evaluation.calibration import (
    COLDEST,
    HOTTEST,
    calibrate,
    cross_entropy,
    fit_temperature,
    sigmoid,
)
from components.records import Preference


def pairs(*probabilities: float, weights: tuple[float, ...] = ()) -> list[Preference]:
    weights = weights or (1.0,) * len(probabilities)
    return [
        Preference("p", f"a{n}", f"b{n}", probability, weight)
        for n, (probability, weight) in enumerate(zip(probabilities, weights, strict=True))
    ]


def test_cross_entropy_by_hand() -> None:
    """At a margin of log 3 the first is preferred with 0.75; at 0 with 0.5. The first pair weighs 3 of 4."""
    found = cross_entropy([math.log(3), 0.0], pairs(0.9, 1.0, weights=(3.0, 1.0)))
    first = -0.9 * math.log(0.75) - 0.1 * math.log(0.25)
    assert found == pytest.approx(0.75 * first + 0.25 * math.log(2))
    assert cross_entropy([-800.0], pairs(1.0)) == 800.0
    assert math.isnan(cross_entropy([], []))


@pytest.mark.parametrize("margin", [0.5, 4.0, -2.0])
def test_pairs_of_one_margin_are_brought_to_their_share(margin: float) -> None:
    """24 pairs of probability 0.8 (of 0.2, seen from a margin below 0) are best at log-odds of log 4."""
    share = 0.8 if margin > 0 else 0.2
    found = fit_temperature([margin] * 24, pairs(*[share] * 24))
    assert found == pytest.approx(abs(margin) / math.log(4), rel=1e-6)


def test_weights_count() -> None:
    """Right with weight 3, wrong with weight 1: three in four."""
    heavy, light = (3.0,) * 12, (1.0,) * 12
    found = fit_temperature([1.0] * 12 + [-1.0] * 12, pairs(*[1.0] * 24, weights=heavy + light))
    assert found == pytest.approx(1 / math.log(3), rel=1e-6)


def test_bounds_where_there_is_no_minimum() -> None:
    assert fit_temperature([1.0] * 20, pairs(*[1.0] * 20)) == pytest.approx(COLDEST)
    assert fit_temperature([-1.0] * 20, pairs(*[1.0] * 20)) == pytest.approx(HOTTEST)


def test_too_few_pairs_leave_it_at_1() -> None:
    assert fit_temperature([3.0] * 19, pairs(*[0.6] * 19)) == 1.0
    assert fit_temperature([], []) == 1.0


def test_it_undoes_a_stretch_and_with_it_the_calibration_error() -> None:
    generator = np.random.default_rng(0)
    true = generator.normal(0, 1.5, 8000)
    agree = generator.random(8000) < sigmoid(true)
    margins = 3.0 * np.where(agree, true, -true)
    people = pairs(*[1.0] * 8000)
    temperature = fit_temperature(margins, people)
    assert temperature == pytest.approx(3.0, rel=0.05)
    before, after = calibrate(margins, people, 15), calibrate(margins / temperature, people, 15)
    assert after.ece < 0.03 < 0.1 < before.ece
    assert after.brier < before.brier
    # No other temperature does better, and none turns an answer.
    best = cross_entropy(margins / temperature, people)
    assert all(best < cross_entropy(margins / (temperature * by), people) for by in (0.9, 1.1))
