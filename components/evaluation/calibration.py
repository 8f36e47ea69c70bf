"""Whether a reward model that says 80 % is right 80 % of the time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.evaluation.accuracy import aligned
from components.evaluation.intervals import Floats, number
from components.files import sha256_bytes
from components.records import Preference

#: A temperature from fewer pairs than this would be noise.
FEWEST_PAIRS = 20
#: Between these temperatures one is looked for.
COLDEST, HOTTEST = 0.05, 20.0


@dataclass(frozen=True)
class ReliabilityBin:
    """Pairs whose predicted probability fell in [lower, upper), the last bin closed.

    Attributes:
        weight: their share of all weight.
        predicted: their mean predicted probability; observed: the mean share of people who agreed.
    """

    lower: float
    upper: float
    weight: float
    predicted: float
    observed: float


@dataclass(frozen=True)
class Calibration:
    """Attributes: ece: expected calibration error; brier: mean squared error; bins: the non-empty ones."""

    ece: float
    brier: float
    bins: tuple[ReliabilityBin, ...]

    def figures(self, prefix: str = "") -> dict[str, float | None]:
        """As metrics.json holds it."""
        return {f"{prefix}ece": number(self.ece), f"{prefix}brier": number(self.brier)}


def calibrate(margins: npt.ArrayLike, preferences: Sequence[Preference], bins: int) -> Calibration:
    """Calibration of P(first answer preferred) = sigmoid(margin), the Bradley-Terry reading of raw scores.

    In every record the preferred answer is named first. Read so, all labels are 1, and a model that says
    90 % and is right nine times in ten looks wrong: it said 10 % of the tenth. So each pair is turned, or
    not, by the digests of its two texts, which know nothing of the label. Ties stay in, with their one half.

    Args:
        margins: [pairs] raw (not standardised) score of `chosen` minus that of `rejected`.
        bins: equal widths over [0, 1].

    Returns:
        NaN figures and no bins where there is no pair. ECE: Guo et al. 2017, eq. 3. Brier 1950.

    Raises:
        ValueError: as `accuracy.pairwise_accuracy`.
    """
    margins = aligned(margins, preferences)
    if margins.size == 0:
        return Calibration(math.nan, math.nan, ())
    turns = np.array([-1.0 if is_turned(pair) else 1.0 for pair in preferences])
    predicted = sigmoid(margins * turns)
    observed = 0.5 + turns * np.array([pair.probability - 0.5 for pair in preferences])
    weights = np.array([pair.weight for pair in preferences])
    weights = weights / weights.sum()
    table = _reliability(predicted, observed, weights, bins)
    ece = sum(row.weight * abs(row.predicted - row.observed) for row in table)
    return Calibration(ece, float((weights * (predicted - observed) ** 2).sum()), table)


def cross_entropy(margins: npt.ArrayLike, preferences: Sequence[Preference]) -> float:
    """Weighted mean of -p log sigmoid(margin) - (1 - p) log sigmoid(-margin), p the probability of the pair.

    Args:
        margins: [pairs] log-odds of `chosen`.

    Returns:
        nats; NaN where there is no pair.
    """
    margins = aligned(margins, preferences)
    if margins.size == 0:
        return math.nan
    said, weights = _said_of(preferences)
    # -log sigmoid(x) is log(1 + e^-x).
    losses = said * np.logaddexp(0, -margins) + (1 - said) * np.logaddexp(0, margins)
    return float((weights * losses).sum())


def fit_temperature(margins: npt.ArrayLike, preferences: Sequence[Preference]) -> float:
    """The one number T for which margins / T have the least cross-entropy (Guo et al. 2017, section 4.2).

    The loss is convex in 1 / T; its slope is brought to zero by halving. The order of any two answers stays.

    Returns:
        between COLDEST and HOTTEST: pairs that are all ranked right would have it at 0, and pairs ranked no better
        than by chance at infinity. 1 where there are fewer than FEWEST_PAIRS.
    """
    margins = aligned(margins, preferences)
    if margins.size < FEWEST_PAIRS:
        return 1.0
    said, weights = _said_of(preferences)
    low, high = math.log(1 / HOTTEST), math.log(1 / COLDEST)
    for _ in range(60):
        middle = (low + high) / 2
        slope = float((weights * margins * (sigmoid(math.exp(middle) * margins) - said)).sum())
        low, high = (middle, high) if slope < 0 else (low, middle)
    return math.exp(-(low + high) / 2)


def _said_of(preferences: Sequence[Preference]) -> tuple[Floats, Floats]:
    """[pairs] probabilities, and [pairs] weights that add up to 1."""
    weights = np.array([pair.weight for pair in preferences], dtype=np.float64)
    return np.array([pair.probability for pair in preferences]), weights / weights.sum()


def is_turned(pair: Preference) -> bool:
    """Whether the pair is read with `rejected` first: the answer of the smaller SHA-256 comes first."""
    first, second = (sha256_bytes(text.encode("utf-8", "replace")) for text in (pair.chosen, pair.rejected))
    return first > second


def sigmoid(values: Floats) -> Floats:
    """1 / (1 + e^-x), written so that no x overflows."""
    return 0.5 * (1 + np.tanh(values / 2))


def _reliability(
    predicted: Floats, observed: Floats, weights: Floats, bins: int
) -> tuple[ReliabilityBin, ...]:
    places = np.minimum((predicted * bins).astype(np.intp), bins - 1)
    rows = []
    for place in np.unique(places):
        inside = places == place
        weight = weights[inside]
        means = (float(np.average(values[inside], weights=weight)) for values in (predicted, observed))
        rows.append(ReliabilityBin(place / bins, (place + 1) / bins, float(weight.sum()), *means))
    return tuple(rows)
