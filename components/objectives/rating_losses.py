"""Losses on single rated answers: ordered levels (stars) and thumbs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from components.objectives.masking import Count, weighted_mean

#: Keeps neighbouring thresholds apart: a level nobody gave in training stays possible, at a finite loss.
MIN_GAP = 1e-3


def ordered_thresholds(raw: Tensor) -> Tensor:
    """Free parameters [K-1] to increasing thresholds [K-1]: the first as it is, then gaps of softplus + MIN_GAP."""
    gaps = F.softplus(raw[1:]) + MIN_GAP
    return torch.cat([raw[:1], raw[:1] + gaps.cumsum(0)])


def ordinal_loss(
    scores: Tensor,
    levels: Tensor,
    thresholds: Tensor,
    weight: Tensor | None = None,
    count: Count = None,
) -> Tensor:
    """Proportional odds (McCullagh 1980): -log P(level) where P(level <= k) = sigmoid(threshold_k - score).

    P(level = k) = sigmoid(a) - sigmoid(b), of the thresholds above and below, is computed as
    sigmoid(a) * sigmoid(-b) * (1 - exp(b - a)), which stays exact where both sigmoids are near 0 or near 1.

    Args:
        scores: [N], higher is better; levels: [N], integers from 0 (worst) to K-1.
        thresholds: [K-1], increasing (`ordered_thresholds`).
        weight: [N] or None (1 each); count: ratings of the whole minibatch; None: of this call.
    """
    above = F.pad(thresholds, (0, 1), value=torch.inf)[levels]
    below = F.pad(thresholds, (1, 0), value=-torch.inf)[levels]
    width = torch.log(-torch.expm1(below - above))
    return weighted_mean(-F.logsigmoid(above - scores) - F.logsigmoid(scores - below) - width, weight, count)


def pointwise_loss(
    scores: Tensor, labels: Tensor, weight: Tensor | None = None, count: Count = None
) -> Tensor:
    """Cross-entropy of thumbs up under P(up) = sigmoid(score).

    Args:
        scores: [N]; labels: [N] in [0, 1], the share of people who raised the thumb.
        weight: [N] or None (1 each); count: ratings of the whole minibatch; None: of this call.
    """
    losses = F.binary_cross_entropy_with_logits(scores, labels, reduction="none")
    return weighted_mean(losses, weight, count)
