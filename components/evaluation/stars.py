"""Reward scores as stars out of five, learned from the answers that people rated."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.errors import ModelError
from components.evaluation.calibration import sigmoid
from components.evaluation.intervals import Floats, finite
from components.files import read_json, write_json

#: Two parameters from fewer ratings than this would be noise shown as stars.
FEWEST_RATINGS = 20
FOLDS = 5


@dataclass(frozen=True)
class Stars:
    """The map stars = 1 + 4 * sigmoid(slope * score + intercept), and how well it holds.

    Attributes:
        slope: above zero: a better score is never fewer stars.
        ratings: how many it was fitted on.
        mean_absolute_error: in stars, on ratings that the fit had not seen (5-fold cross-validation).
        rank_correlation: Spearman's, between scores and ratings.
    """

    slope: float
    intercept: float
    ratings: int
    mean_absolute_error: float
    rank_correlation: float

    def of(self, score: float) -> float:
        """Stars in [1, 5]."""
        return 1 + 4 * float(sigmoid(np.asarray(self.slope * score + self.intercept)))

    def nearest_half(self, score: float) -> float:
        """Stars as people read them, to the nearest half."""
        return math.floor(2 * self.of(score) + 0.5) / 2

    def text(self, score: float) -> str:
        """Such as "4.5 out of 5 stars"."""
        return stars_text(self.nearest_half(score))

    def write(self, path: Path) -> None:
        write_json(path, asdict(self))

    @staticmethod
    def read(path: Path) -> Stars | None:
        """What `write` wrote, or None where no file is: then no stars are shown.

        Raises:
            ModelError: the file is not what `write` writes.
        """
        if not path.exists():
            return None
        try:
            content = read_json(path)
            stars = Stars(**{field.name: content[field.name] for field in fields(Stars)})
            finite([getattr(stars, field.name) for field in fields(Stars)], "figures")
            if stars.slope <= 0:
                raise ValueError(f"slope: {stars.slope}, expected a number above zero")
        except (ValueError, KeyError, TypeError) as error:
            message = f"{path} does not hold a star scale: {error}"
            raise ModelError(message, "train the reward model again") from None
        return stars


def stars_text(stars: float) -> str:
    """Of stars to the nearest half."""
    return f"{stars:.1f} out of 5 stars"


def fit_stars(scores: npt.ArrayLike, ratings: npt.ArrayLike) -> Stars | None:
    """Fit the map by least squares.

    Args:
        scores: [answers] the reward model's scores of rated answers, on the scale that `Stars.of` will read.
        ratings: [answers] what people gave them, scaled to [0, 1].

    Returns:
        None where stars would say nothing: fewer than 20 ratings, all ratings or all scores alike, or
        ratings that do not rise with the score.

    Raises:
        ValueError: a number is not finite, a rating outside [0, 1], or the lengths differ.
    """
    scores, ratings = finite(scores, "scores"), finite(ratings, "ratings")
    if scores.shape != ratings.shape or scores.ndim != 1:
        raise ValueError(f"scores of shape {scores.shape} for ratings of shape {ratings.shape}")
    if ((ratings < 0) | (ratings > 1)).any():
        raise ValueError("ratings must lie in [0, 1]")
    if scores.size < FEWEST_RATINGS or np.ptp(scores) == 0 or np.ptp(ratings) == 0:
        return None
    slope, intercept = _fit(scores, ratings)
    if slope <= 0:
        return None
    error = 4 * _held_out_error(scores, ratings)
    return Stars(slope, intercept, scores.size, error, rank_correlation(scores, ratings))


def _fit(scores: Floats, ratings: Floats) -> tuple[float, float]:
    """Slope and intercept of least squares, on scores brought to mean 0 and deviation 1.

    Ratings are pulled off 0 and 1 by one pseudo-rating on either side (Platt 1999): without it,
    thumbs that the score separates cleanly have their best slope at infinity.
    """
    mean, deviation = float(scores.mean()), float(scores.std()) or 1.0
    design = np.stack([(scores - mean) / deviation, np.ones_like(scores)], axis=1)
    targets = (scores.size * ratings + 1) / (scores.size + 2)
    slope, level = _levenberg_marquardt(design, targets)
    return float(slope / deviation), float(level - slope * mean / deviation)


def _levenberg_marquardt(design: Floats, targets: Floats) -> Floats:
    """Minimise |sigmoid(design @ theta) - targets|^2 (Marquardt 1963).

    A step that helps is taken and the next is bolder; one that does not is tried again, shorter.
    """
    theta, damping = np.array([0.0, math.log(targets.mean() / (1 - targets.mean()))]), 1e-2
    loss = _squared_error(design, targets, theta)
    for _ in range(200):
        fitted = sigmoid(design @ theta)
        jacobian = design * (fitted * (1 - fitted))[:, None]
        normal = jacobian.T @ jacobian
        scaled = normal + damping * np.diag(np.diag(normal) + 1e-12)
        trial = theta + np.linalg.solve(scaled, jacobian.T @ (targets - fitted))
        trial_loss = _squared_error(design, targets, trial)
        helps = trial_loss < loss
        settled = abs(loss - trial_loss) <= 1e-14 * loss
        damping = damping / 3 if helps else damping * 4
        theta, loss = (trial, trial_loss) if helps else (theta, loss)
        if settled:
            break
    return theta


def _squared_error(design: Floats, targets: Floats, theta: Floats) -> float:
    return float(((sigmoid(design @ theta) - targets) ** 2).sum())


def _held_out_error(scores: Floats, ratings: Floats) -> float:
    """Mean absolute error over answers that the fit of the other four fifths predicts."""
    folds = np.arange(scores.size) % FOLDS
    errors = []
    for fold in range(FOLDS):
        held_out = folds == fold
        slope, intercept = _fit(scores[~held_out], ratings[~held_out])
        errors.append(np.abs(sigmoid(slope * scores[held_out] + intercept) - ratings[held_out]))
    return float(np.concatenate(errors).mean())


def rank_correlation(left: Floats, right: Floats) -> float:
    """Spearman's rho: Pearson's correlation of the ranks, equal values sharing their mean rank."""
    return float(np.corrcoef(_ranks(left), _ranks(right))[0, 1])


def _ranks(values: Floats) -> Floats:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[places]
