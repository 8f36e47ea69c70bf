"""One score from several reward models that may disagree."""

from __future__ import annotations

from torch import Tensor


def pessimistic_mean(scores: Tensor, penalty: float) -> Tensor:
    """Mean over the models minus `penalty` times their standard deviation: doubt makes an answer worth less.

    Coste 2023 (2310.02743, "uncertainty-weighted optimisation") subtracts the variance; the standard deviation has
    the unit of the scores, so a penalty means the same at any scale. Population std: one model has 0 doubt.

    Args:
        scores: [K, B], a row per model, all on one scale.

    Returns:
        [B].
    """
    return scores.mean(dim=0) - penalty * scores.std(dim=0, correction=0)
