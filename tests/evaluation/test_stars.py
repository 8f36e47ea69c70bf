"""The star scale: fitted right, monotone, honest about its error, and silent where it knows nothing."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from components.errors import ModelError
from components.evaluation.stars import Stars, fit_stars, rank_correlation

SCALE = Stars(slope=1.0, intercept=0.0, ratings=30, mean_absolute_error=0.5, rank_correlation=0.8)


def rated(count: int, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores and ratings on the curve sigmoid(0.7 * score - 0.4), with noise."""
    generator = np.random.default_rng(4)
    scores = generator.normal(2.0, 3.0, count)
    ratings = 1 / (1 + np.exp(-(0.7 * scores - 0.4))) + generator.normal(0, noise, count)
    return scores, np.clip(ratings, 0, 1)


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (0.0, "3.0 out of 5 stars"),
        (math.log(7), "4.5 out of 5 stars"),  # 1 + 4 * 7/8
        (-math.log(15), "1.5 out of 5 stars"),  # 1.25 exactly: rounded up
        (1e6, "5.0 out of 5 stars"),
        (-1e6, "1.0 out of 5 stars"),
    ],
)
def test_stars_in_words(score: float, text: str) -> None:
    assert SCALE.text(score) == text


def test_the_curve_is_found_again() -> None:
    """But for the two pseudo-ratings in 2000, which pull by a thousandth."""
    stars = fit_stars(*rated(2000))
    assert stars is not None
    assert (stars.slope, stars.intercept) == pytest.approx((0.7, -0.4), abs=0.02)
    assert stars.mean_absolute_error < 0.02
    assert stars.rank_correlation == pytest.approx(1.0)
    assert stars.ratings == 2000


def test_no_other_curve_fits_better() -> None:
    scores, ratings = rated(60, noise=0.2)
    stars = fit_stars(scores, ratings)
    assert stars is not None
    targets = (60 * ratings + 1) / 62

    def loss(slope: np.ndarray | float, intercept: np.ndarray | float) -> np.ndarray:
        curves = 1 / (1 + np.exp(-(np.multiply.outer(slope, scores) + np.expand_dims(intercept, -1))))
        return ((curves - targets) ** 2).sum(axis=-1)

    slopes, intercepts = np.meshgrid(np.linspace(0, 3, 121), np.linspace(-4, 4, 161))
    assert loss(stars.slope, stars.intercept) <= loss(slopes, intercepts).min()
    nudged = [loss(stars.slope + a, stars.intercept + b) for a in (-1e-4, 0, 1e-4) for b in (-1e-4, 0, 1e-4)]
    assert loss(stars.slope, stars.intercept) == min(nudged)


def test_error_is_in_stars_and_held_out() -> None:
    """Thumbs that know next to nothing of the score are missed by about half of four stars."""
    generator = np.random.default_rng(8)
    scores = generator.normal(size=400)
    thumbs = (generator.random(400) < 0.5 + 0.05 * np.sign(scores)).astype(float)
    stars = fit_stars(scores, thumbs)
    assert stars is not None
    assert stars.mean_absolute_error == pytest.approx(2.0, abs=0.05)


def test_thumbs_the_score_separates_cleanly_have_a_finite_slope() -> None:
    scores = np.linspace(-1, 1, 40)
    stars = fit_stars(scores, (scores > 0).astype(float))
    assert stars is not None
    assert 0 < stars.slope < 1e4
    assert stars.text(1.0) == "5.0 out of 5 stars"


@pytest.mark.parametrize(
    ("scores", "ratings"),
    [
        ([], []),
        (list(range(19)), [n / 18 for n in range(19)]),  # one rating too few
        (list(range(40)), [0.5] * 40),
        ([1.0] * 40, [n / 39 for n in range(40)]),
        (list(range(40)), [1 - n / 39 for n in range(40)]),  # better scores, worse ratings
    ],
)
def test_no_stars_where_they_would_say_nothing(scores: list[float], ratings: list[float]) -> None:
    assert fit_stars(scores, ratings) is None


def test_twenty_ratings_are_enough() -> None:
    assert fit_stars(list(range(20)), [n / 19 for n in range(20)]) is not None


@pytest.mark.parametrize("ratings", [[math.nan] * 20, [1.5] * 20, [0.5] * 19])
def test_ratings_must_be_shares_one_a_score(ratings: list[float]) -> None:
    with pytest.raises(ValueError, match="ratings"):
        fit_stars(list(range(20)), ratings)


@given(st.integers(0, 2**32 - 1), st.floats(-50, 50), st.floats(0, 50))
def test_a_better_score_is_never_fewer_stars(seed: int, score: float, more: float) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=25)
    stars = fit_stars(scores, np.clip(0.5 + 0.1 * scores + generator.normal(0, 0.2, 25), 0, 1))
    if stars is not None:
        assert 1 <= stars.of(score) <= stars.of(score + more) <= 5


def test_the_fit_is_the_same_each_time() -> None:
    assert fit_stars(*rated(50, 0.1)) == fit_stars(*rated(50, 0.1))


def test_written_and_read(tmp_path: Path) -> None:
    stars = fit_stars(*rated(50, 0.1))
    assert stars is not None
    stars.write(tmp_path / "stars.json")
    assert Stars.read(tmp_path / "stars.json") == stars


def test_no_file_is_no_stars(tmp_path: Path) -> None:
    assert Stars.read(tmp_path / "stars.json") is None


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"slope": 1}',
        '{"slope": NaN, "intercept": 0, "ratings": 20, "mean_absolute_error": 0, "rank_correlation": 1}',
        '{"slope": -1, "intercept": 0, "ratings": 20, "mean_absolute_error": 0, "rank_correlation": 1}',
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "stars.json"
    path.write_text(content)
    with pytest.raises(ModelError, match=r"stars\.json does not hold a star scale"):
        Stars.read(path)


def test_rank_correlation_shares_ranks_among_equals() -> None:
    left, right = np.array([1.0, 2.0, 2.0, 3.0, 9.0, 4.0]), np.array([0.0, 0.5, 1.0, 1.0, 1.0, 0.0])
    assert rank_correlation(left, right) == pytest.approx(spearmanr(left, right).statistic)
