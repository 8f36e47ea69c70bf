"""Means over prompts with an interval: the one place where chance is accounted for.

Several judgements of one prompt (samples of one answer, pairs of one ranking) agree more than judgements of
different prompts do, so prompts, not judgements, are what is drawn again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: On fewer prompts than this the percentile interval is too narrow to be believed.
FEW_PROMPTS = 30


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are drawn.

    Attributes:
        resamples: how many times the prompts are drawn again, with replacement.
        confidence: share of such intervals that hold the true value.
        seed: of the generator; the same seed gives the same interval.
    """

    resamples: int = 2000
    confidence: float = 0.95
    seed: int = 7


DEFAULT_BOOTSTRAP = Bootstrap()


@dataclass(frozen=True)
class Estimate:
    """A measured share and the interval it lies in. All three are NaN when there was nothing to measure."""

    value: float
    lower: float
    upper: float

    def figures(self, name: str) -> dict[str, Any]:
        """As metrics.json holds it: `name` and `name_ci`; a number that is none becomes null."""
        return {name: number(self.value), f"{name}_ci": [number(self.lower), number(self.upper)]}


def number(value: float | None) -> float | None:
    """The value, or None for NaN and the infinities, which JSON does not have."""
    return value if value is not None and math.isfinite(value) else None


def finite(values: npt.ArrayLike, name: str) -> Floats:
    """The values as floats.

    Raises:
        ValueError: one of them is NaN or infinite: a score that is none compares as a loss, silently.
    """
    array = np.asarray(values, dtype=np.float64)
    faults = int((~np.isfinite(array)).sum())
    if faults:
        raise ValueError(f"{name}: {faults} of {array.size} values are not finite numbers")
    return array


def mean_over_prompts(totals: Floats, weights: Floats, bootstrap: Bootstrap) -> Estimate:
    """Weighted mean of values in [0, 1] with a percentile bootstrap interval over prompts.

    A bootstrap of few prompts, or of prompts that all say the same, hardly sees what it has not drawn: two
    wins out of two would give [1, 1]. There the interval is widened to Wilson's, which errs to the wide
    side for the mean of any values in [0, 1] (no distribution on [0, 1] varies more than the 0-or-1 one).

    Args:
        totals: [prompts] sum of weight times value of a prompt's judgements.
        weights: [prompts] sum of the weights of a prompt's judgements; each above zero.
    """
    if totals.size == 0:
        return Estimate(math.nan, math.nan, math.nan)
    value = float(totals.sum() / weights.sum())
    lower, upper = _percentile_interval(totals, weights, bootstrap)
    if totals.size < FEW_PROMPTS or np.ptp(totals / weights) == 0:
        wide = wilson_interval(value, effective_count(weights), bootstrap.confidence)
        lower, upper = min(lower, wide[0]), max(upper, wide[1])
    return Estimate(value, lower, upper)


def _percentile_interval(totals: Floats, weights: Floats, bootstrap: Bootstrap) -> tuple[float, float]:
    """Efron's percentile interval of the ratio of sums, prompts drawn with replacement."""
    generator = np.random.default_rng(bootstrap.seed)
    means = np.empty(bootstrap.resamples)
    for draw in range(bootstrap.resamples):
        chosen = generator.integers(0, totals.size, totals.size)
        means[draw] = totals[chosen].sum() / weights[chosen].sum()
    outside = (1 - bootstrap.confidence) / 2
    lower, upper = np.quantile(means, [outside, 1 - outside])
    return float(lower), float(upper)


def wilson_interval(share: float, count: float, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a share of `count` independent judgements (Wilson 1927)."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    shrink = 1 + z**2 / count
    middle = (share + z**2 / (2 * count)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def effective_count(weights: Floats) -> float:
    """How many equally weighted judgements vary as much as these do (Kish 1965)."""
    return float(weights.sum() ** 2 / (weights**2).sum())
