"""Many questions at once: which phrases are so unlikely that none of them is chance?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.feedback.quality.proportions import at_least

Array = NDArray[np.float64]


def unlikely(hits: Array, counts: Array, share: float, false_alarm: float) -> tuple[NDArray[np.bool_], int]:
    """Which of many binomial counts are too high for `share`, with one false alarm in 1 / `false_alarm` batches.

    Bonferroni's correction counts only those that could be too high at all: of n draws all hits have probability
    share ** n, and where that is no small number, no count is evidence (Tarone 1990).

    Returns:
        Which, and how many were asked.
    """
    least = _least_count(counts, share, false_alarm)
    asked = counts >= least
    chance = at_least(hits, counts, share)
    return asked & (chance * max(1, int(asked.sum())) <= false_alarm), int(asked.sum())


def _least_count(counts: Array, share: float, false_alarm: float) -> int:
    """The smallest count at which all hits would be evidence."""
    ordered = np.sort(counts)
    least = 1
    while (len(ordered) - np.searchsorted(ordered, least)) * share**least > false_alarm:
        least += 1
    return least
