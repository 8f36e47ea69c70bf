"""What the critic minimises, and how good it is. Shapes: [B, T] or flat, all of one call alike."""

from __future__ import annotations

import torch
from torch import Tensor

from components.objectives.masking import Count, masked_mean, masked_sum


def clipped_value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, value_clip: float, count: Count = None
) -> Tensor:
    """Half the squared error, of the value or of the value held within `value_clip` of the old one, the larger.

    (Schulman's PPO code; Stiennon 2020.) Sum over real tokens / `count` (None: the real tokens of this call). Only
    `values` may carry a gradient.
    """
    free, held = _squared_errors(values, old_values, returns, mask, value_clip)
    return 0.5 * masked_mean(torch.maximum(free, held), mask, count)


def value_clip_fraction(
    values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, value_clip: float, count: Count = None
) -> Tensor:
    """Share of tokens that the clip kept from moving the critic: held, and further from the return for it."""
    free, held = _squared_errors(values, old_values, returns, mask, value_clip)
    return masked_mean((held > free).to(free.dtype), mask, count)


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor) -> Tensor:
    """1 - Var(returns - values) / Var(returns) over the real tokens: 1 is perfect, 0 no better than the mean."""
    residual = returns - values
    spread = masked_sum((returns - masked_mean(returns, mask)).square(), mask)
    left = masked_sum((residual - masked_mean(residual, mask)).square(), mask)
    return 1.0 - left / spread.clamp_min(1e-8)


def _squared_errors(
    values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, value_clip: float
) -> tuple[Tensor, Tensor]:
    """Of the value and of the held value. The step is masked first: else garbage reaches the gradient as 0 * NaN."""
    step = torch.where(mask, values - old_values, 0.0)
    wanted = returns - old_values
    return (step - wanted).square(), (step.clamp(-value_clip, value_clip) - wanted).square()
