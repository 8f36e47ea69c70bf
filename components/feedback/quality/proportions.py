"""Shares with what chance leaves open about them."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

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


def at_least(hits: npt.ArrayLike, counts: npt.ArrayLike, share: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """P(so many hits or more of `counts` draws), each a hit with probability `share`."""
    hits, counts = np.asarray(hits, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    # The binomial's tail is an incomplete beta function (Abramowitz and Stegun 26.5.24), which has no value at 0.
    tail = betainc(np.maximum(hits, 1), counts - np.maximum(hits, 1) + 1, share)
    return np.where(hits <= 0, 1.0, tail)
