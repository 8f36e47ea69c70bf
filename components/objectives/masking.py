"""Sums, means and whitening over real tokens; means over weighted pairs.

A loss is a sum divided by a count. The count may be that of a whole minibatch, over all its microbatches and processes:
then the losses of the parts add up to the loss of the whole, and so do their gradients. A mean of the parts' means does
not: it counts a token of a short part for more.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: What a sum is divided by; None means what is counted in this call.
Count = Tensor | float | None


def masked_sum(values: Tensor, mask: Tensor) -> Tensor:
    """Sum where `mask` is True, over all dimensions; garbage elsewhere (NaN too) does not count."""
    return torch.where(mask, values, 0.0).sum()


def masked_mean(values: Tensor, mask: Tensor, count: Count = None) -> Tensor:
    """Sum over the real tokens of the whole tensor / `count` (None: the real tokens), not a mean of row means."""
    return masked_sum(values, mask) / (mask.sum() if count is None else count)


def weighted_mean(losses: Tensor, weight: Tensor | None, count: Count = None) -> Tensor:
    """Sum of weight * loss over [N] / `count` (None: N, not the sum of the weights). No weight is a weight of 1.

    So a batch of light pairs moves the model less, where the weights have mean 1 over the training set.
    """
    total = losses.sum() if weight is None else (weight * losses).sum()
    return total / (len(losses) if count is None else count)


def masked_variance(values: Tensor, mask: Tensor) -> Tensor:
    """Population variance over the real tokens of the whole tensor."""
    return masked_mean((values - masked_mean(values, mask)).square(), mask)


def whiten(values: Tensor, mask: Tensor) -> Tensor:
    """Shift and scale to mean 0 and variance 1 over the real tokens; masked positions become 0.

    The small constant keeps equal values at 0 instead of dividing by nothing.
    """
    centred = values - masked_mean(values, mask)
    scaled = centred * torch.rsqrt(masked_variance(values, mask) + 1e-8)
    return torch.where(mask, scaled, 0.0)
