"""Sums, means and whitening over real tokens."""

from __future__ import annotations

import torch
from torch import Tensor


def masked_sum(values: Tensor, mask: Tensor) -> Tensor:
    """Sum where `mask` is True, over all dimensions; garbage elsewhere (NaN too) does not count."""
    return torch.where(mask, values, 0.0).sum()


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the real tokens of the whole tensor: sum over tokens / token count, not a mean of row means."""
    return masked_sum(values, mask) / mask.sum()


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
