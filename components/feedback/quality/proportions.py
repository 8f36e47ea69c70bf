"""Shares with what chance leaves open about them."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, bdtrc

CONFIDENCE = 0.95


def wilson(share: float, count: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's (1927) interval of a share of `count` independent things; (0, 1) of none.

    It also holds, wider than need be, for the mean of `count` numbers between 0 and 1.
    """
    if count == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def rounded(value: float | None, digits: int = 4) -> float | None:
    """A number as JSON has it; None for NaN and the infinities."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def interval(share: float | None, count: float) -> list[float | None]:
    """Wilson's interval, rounded; nulls where there is no share."""
    if share is None or count == 0:
        return [None, None]
    return [rounded(end) for end in wilson(share, count)]


def at_least(successes: npt.ArrayLike, count: npt.ArrayLike, share: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """P(so many successes or more of `count`), each with probability `share`."""
    successes, count = np.asarray(successes, dtype=np.float64), np.asarray(count, dtype=np.float64)
    return np.where(successes <= 0, 1.0, bdtrc(np.maximum(successes - 1, 0), count, share))


def at_most(successes: npt.ArrayLike, count: npt.ArrayLike, share: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """P(so many successes or fewer of `count`), each with probability `share`."""
    return np.asarray(
        bdtr(np.asarray(successes, dtype=np.float64), np.asarray(count, dtype=np.float64), share)
    )
