"""Calibration: literals, the turning of pairs, and models that are and are not calibrated."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest

from components.evaluation.calibration import calibrate, is_turned, sigmoid
from components.records import Preference

LOG_3 = math.log(3)  # sigmoid is 0.75


def pairs_turned(turned: bool, probabilities: list[float]) -> list[Preference]:
    """Pairs that are all turned, or all not."""
    texts = [(f"a{n}", f"b{n}") for n in range(1000)]
    fitting = [two for two in texts if is_turned(Preference("p", *two)) is turned]
    return [Preference("p", *two, share) for two, share in zip(fitting, probabilities, strict=False)]


def test_turning_follows_the_digests_and_not_the_label() -> None:
    a, b = hashlib.sha256(b"yes").hexdigest(), hashlib.sha256(b"no").hexdigest()
    assert is_turned(Preference("p", "yes", "no")) is (a > b)
    assert is_turned(Preference("p", "no", "yes")) is (b > a)


def test_a_share_of_three_quarters_met_on_average() -> None:
    """Predicted 0.75 twice, observed 1 and 0.5: calibrated, each off by a quarter."""
    result = calibrate([LOG_3, LOG_3], pairs_turned(False, [1.0, 0.5]), bins=15)
    assert result.ece == pytest.approx(0.0)
    assert result.brier == pytest.approx(0.0625)


def test_a_turned_pair_is_read_the_other_way_round() -> None:
    """Predicted 0.25 that the first is preferred; nobody prefers it."""
    result = calibrate([LOG_3], pairs_turned(True, [1.0]), bins=15)
    assert (result.ece, result.brier) == pytest.approx((0.25, 0.0625))
    (row,) = result.bins
    assert (row.lower, row.upper, row.weight) == pytest.approx((3 / 15, 4 / 15, 1.0))
    assert (row.predicted, row.observed) == pytest.approx((0.25, 0.0))


def test_weights_count() -> None:
    """Gaps of 0.25 (weight 3) and 0.5 (weight 1) in two bins: 0.25 * 0.75 + 0.5 * 0.25."""
    heavy, light = pairs_turned(False, [1.0, 1.0])
    heavy = Preference("p", heavy.chosen, heavy.rejected, 1.0, weight=3.0)
    result = calibrate([LOG_3, 0.0], [heavy, light], bins=10)
    assert result.ece == pytest.approx(0.3125)
    assert [row.weight for row in result.bins] == pytest.approx([0.25, 0.75])


def test_certainty_falls_into_the_last_bin() -> None:
    (row,) = calibrate([800.0], pairs_turned(False, [1.0]), bins=10).bins
    assert (row.lower, row.upper, row.predicted) == (0.9, 1.0, 1.0)


def test_no_pair_is_nan_and_becomes_null() -> None:
    result = calibrate([], [], bins=15)
    assert result.bins == ()
    assert result.figures() == {"ece": None, "brier": None}


def simulated(stretch: float) -> tuple[np.ndarray, list[Preference]]:
    """Margins of the preferred answer where people decide by Bradley-Terry on true margins."""
    generator = np.random.default_rng(0)
    true = generator.normal(0, 1.5, 8000)
    agree = generator.random(8000) < sigmoid(true)
    margins = np.where(agree, true, -true) * stretch
    return margins, [Preference("p", f"a{n}", f"b{n}") for n in range(8000)]


def test_a_calibrated_model_has_next_to_no_error() -> None:
    """Of 8000 pairs in 15 bins, chance alone leaves sqrt(2 / pi) * 0.5 / sqrt(8000 / 15) = 0.017 a bin."""
    margins, pairs = simulated(1.0)
    assert calibrate(margins, pairs, 15).ece < 0.03
    assert np.abs(sigmoid(margins) - 1).mean() > 0.3  # what it would be, were no pair turned


def test_an_overconfident_model_is_found_out() -> None:
    assert calibrate(*simulated(3.0), 15).ece > 0.1


def test_sigmoid_does_not_overflow() -> None:
    assert sigmoid(np.array([-1e9, 0.0, 1e9])).tolist() == [0.0, 0.5, 1.0]
