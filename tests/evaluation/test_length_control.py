"""The length-controlled win rate: against scikit-learn, its symmetry, and where nothing can be told."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from components.evaluation.intervals import Bootstrap
from components.evaluation.length_control import (
    PRIOR_PRECISION,
    effective_prompts,
    fit,
    length_controlled_win_rate,
    length_term,
)
from components.evaluation.win_rate import win_rate

QUICK = Bootstrap(300, 0.95, 0)


def judged(prompts: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Wins, ties and losses of a judge that likes length, and the differences in length."""
    generator = np.random.default_rng(seed)
    differences = generator.normal(20, 40, prompts).round()
    chance = expit(0.4 + 1.5 * np.tanh(differences / 40))
    wins = (generator.random(prompts) < chance).astype(float)
    return np.where(generator.random(prompts) < 0.1, 0.5, wins), differences


def test_the_fit_is_that_of_scikit_learn() -> None:
    """A tie is half a win and half a loss; their intercept is a column, so that the prior holds for it, too."""
    outcomes, differences = judged(200, seed=1)
    term = length_term(differences)
    design = np.stack([np.ones(200), term], axis=1)
    theirs = LogisticRegression(C=1 / PRIOR_PRECISION, fit_intercept=False, tol=1e-10).fit(
        np.concatenate([design, design]),
        np.repeat([1, 0], 200),
        sample_weight=np.concatenate([outcomes, 1 - outcomes]),
    )
    assert fit(outcomes, term, np.ones((1, 200)))[0] == pytest.approx(theirs.coef_[0], abs=1e-5)


def test_the_value_is_the_fit_at_equal_length() -> None:
    outcomes, differences = judged(200, seed=2)
    found = length_controlled_win_rate(outcomes, differences, QUICK)
    quality, effect = fit(outcomes, length_term(differences), np.ones((1, 200)))[0]
    assert (found.value, found.length_effect.value) == pytest.approx((expit(quality), effect))
    assert found.lower < found.value < found.upper
    assert found.length_effect.lower < effect < found.length_effect.upper
    assert found.prompts == 200


def test_counts_are_prompts_drawn_more_than_once() -> None:
    outcomes, differences = judged(30, seed=3)
    term, counts = length_term(differences), np.arange(30) % 3
    again = np.repeat(np.arange(30), counts)
    assert fit(outcomes, term, counts[None])[0] == pytest.approx(
        fit(outcomes[again], term[again], np.ones((1, len(again))))[0]
    )


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.floats(-1, 1)), min_size=1, max_size=30),
    st.lists(st.integers(0, 50), min_size=30, max_size=30),
)
def test_every_fit_is_at_the_top(rows: list[tuple[float, float]], counts: list[int]) -> None:
    """The gradient of the log posterior is zero at one place only: it is concave."""
    outcomes, term = (np.array(column) for column in zip(*rows, strict=True))
    weights = np.array(counts[: len(rows)], dtype=float)
    quality, effect = fit(outcomes, term, weights[None])[0]
    surprise = weights * (outcomes - expit(quality + effect * term))
    gradient = np.array([surprise.sum(), surprise @ term]) - PRIOR_PRECISION * np.array([quality, effect])
    assert np.abs(gradient).max() < 1e-6


def test_exchanging_the_sides_exchanges_the_rates() -> None:
    outcomes, differences = judged(100, seed=4)
    ours = length_controlled_win_rate(outcomes, differences, QUICK)
    theirs = length_controlled_win_rate(1 - outcomes, -differences, QUICK)
    assert (theirs.value, theirs.lower, theirs.upper) == pytest.approx(
        (1 - ours.value, 1 - ours.upper, 1 - ours.lower)
    )
    assert theirs.length_effect.value == pytest.approx(ours.length_effect.value)


def test_the_unit_of_length_does_not_matter() -> None:
    outcomes, differences = judged(100, seed=5)
    words = length_controlled_win_rate(outcomes, differences, QUICK)
    characters = length_controlled_win_rate(outcomes, 6 * differences, QUICK)
    assert characters.value == pytest.approx(words.value)


def test_answers_of_equal_length_leave_the_win_rate_as_it_is() -> None:
    scores = np.array([1.0, 2.0, -1.0, 0.0] * 20)
    plain = win_rate(scores, np.zeros(80), QUICK)
    found = length_controlled_win_rate((np.sign(scores) + 1) / 2, np.zeros(80), QUICK)
    assert (found.value, found.lower, found.upper) == (plain.value, plain.lower, plain.upper)
    assert found.effective_prompts == 80
    assert math.isnan(found.length_effect.value)


def test_all_won_is_finite_and_no_certainty() -> None:
    differences = np.random.default_rng(6).normal(0, 40, 100)
    found = length_controlled_win_rate(np.ones(100), differences, QUICK)
    assert 0.97 < found.value < 1
    assert found.lower == pytest.approx(0.963, abs=0.001), "Wilson's of 100 in 100 is [0.963, 1]"
    assert found.upper == pytest.approx(1)


def test_winning_exactly_where_longer_is_finite() -> None:
    differences = np.linspace(-50, 50, 100)
    found = length_controlled_win_rate((differences > 0).astype(float), differences, QUICK)
    assert found.value == pytest.approx(0.5)
    assert 2 < found.length_effect.value < 50


@pytest.mark.parametrize("differences", [np.full(200, 30.0), 30 + np.linspace(-1, 1, 200), np.full(200, 0.1)])
def test_always_longer_by_as_much_tells_nothing(differences: np.ndarray) -> None:
    """Length or quality? A number here would be the prior's: a gate must see that there is none."""
    found = length_controlled_win_rate(np.ones(200), differences, QUICK)
    assert [math.isnan(value) for value in (found.value, found.lower, found.upper)] == [True] * 3
    assert found.effective_prompts < 1


def test_nearly_always_longer_tells_little() -> None:
    generator = np.random.default_rng(7)
    outcomes = (generator.random(200) < 0.8).astype(float)
    found = length_controlled_win_rate(outcomes, generator.normal(60, 30, 200), QUICK)
    balanced = length_controlled_win_rate(outcomes, generator.normal(0, 30, 200), QUICK)
    assert found.effective_prompts < 30 < 190 < balanced.effective_prompts
    assert found.upper - found.lower > 2 * (balanced.upper - balanced.lower)


def test_effective_prompts_by_hand() -> None:
    """Three at 1 and one at -1: mean 1/2, variance 3/4 of a mean square of 1."""
    assert effective_prompts(np.array([1.0, 1.0, 1.0, -1.0])) == 3.0
    assert effective_prompts(np.zeros(5)) == 5.0


def test_no_prompt_is_nan_and_becomes_null() -> None:
    found = length_controlled_win_rate([], [], QUICK)
    assert found.prompts == 0
    assert json.loads(json.dumps(found.figures("lc"), allow_nan=False)) == {
        "lc": None,
        "lc_ci": [None, None],
        "lc_effective_prompts": 0.0,
        "lc_length_effect": None,
        "lc_length_effect_ci": [None, None],
    }


def test_one_prompt_says_something_only_at_equal_length() -> None:
    assert length_controlled_win_rate([1.0], [0.0], QUICK).lower < 0.5
    assert math.isnan(length_controlled_win_rate([1.0], [3.0], QUICK).value)


def test_the_seed_decides_the_interval_and_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes, differences = judged(60, seed=8)
    whole = length_controlled_win_rate(outcomes, differences, QUICK)
    assert length_controlled_win_rate(outcomes, differences, Bootstrap(300, 0.95, 1)) != whole
    monkeypatch.setattr("components.evaluation.length_control.CHUNK", 60 * 7)
    parts = length_controlled_win_rate(outcomes, differences, QUICK)
    assert (parts.lower, parts.upper) == pytest.approx((whole.lower, whole.upper))


@pytest.mark.parametrize(
    ("outcomes", "differences", "words"),
    [
        ([1.0, 0.0], [1.0], r"outcomes of shape \(2,\) for 1 prompts"),
        ([1.0, 1.5], [1.0, 2.0], "1 of 2 lie outside 0 and 1"),
        ([1.0, math.nan], [1.0, 2.0], "outcomes: 1 of 2 values are not finite"),
        ([1.0, 0.0], [1.0, math.inf], "length differences: 1 of 2 values are not finite"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    outcomes: list[float], differences: list[float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        length_controlled_win_rate(outcomes, differences)


def test_two_thousand_resamples_take_less_than_a_second() -> None:
    outcomes, differences = judged(200, seed=9)
    began = time.process_time()
    length_controlled_win_rate(outcomes, differences, Bootstrap(2000, 0.95, 0))
    assert time.process_time() - began < 1.0
