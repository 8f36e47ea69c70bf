"""The clipped losses of PPO (Schulman 2017) for the policy and the critic."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from components.objectives.kl import k3
from components.objectives.masking import masked_mean, masked_sum

#: exp() of more than this only makes infinities; the clip has bitten long before.
MAX_LOG_RATIO = 20.0


@dataclass(frozen=True)
class PolicyLoss:
    """A loss with its gradient, and what to watch: scalars over the real tokens, without gradient."""

    loss: Tensor
    clip_fraction: Tensor
    approx_kl: Tensor
    ratio_mean: Tensor


def ppo_policy_loss(
    logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor, clip_eps: float
) -> PolicyLoss:
    """Clipped surrogate (Schulman 2017, eq. 7), negated to be minimised; mean over the real tokens of the minibatch.

    Args:
        logprobs, old_logprobs, advantages, mask: [B, T]; only `logprobs` may carry a gradient.
    """
    log_ratio = (logprobs - old_logprobs).clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO)
    ratio = log_ratio.exp()
    unclipped = ratio * advantages
    clipped = ratio.clamp(1.0 - clip_eps, 1.0 + clip_eps) * advantages
    loss = -masked_mean(torch.minimum(unclipped, clipped), mask)
    with torch.no_grad():
        was_clipped = (clipped < unclipped).float()
        return PolicyLoss(
            loss=loss,
            clip_fraction=masked_mean(was_clipped, mask),
            approx_kl=masked_mean(k3(old_logprobs, logprobs.detach()), mask),
            ratio_mean=masked_mean(ratio.detach(), mask),
        )


def clipped_value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, value_clip: float
) -> Tensor:
    """Half the squared error, of the value or of the value held within `value_clip` of the old one, the larger.

    (Schulman's PPO code; Stiennon 2020.) Mean over the real tokens. All tensors [B, T].
    """
    held = old_values + (values - old_values).clamp(-value_clip, value_clip)
    error = torch.maximum((values - returns).square(), (held - returns).square())
    return 0.5 * masked_mean(error, mask)


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor) -> Tensor:
    """1 - Var(returns - values) / Var(returns) over the real tokens: 1 is perfect, 0 no better than the mean."""
    residual = returns - values
    spread = masked_sum((returns - masked_mean(returns, mask)).square(), mask)
    left = masked_sum((residual - masked_mean(residual, mask)).square(), mask)
    return 1.0 - left / spread.clamp_min(1e-8)
