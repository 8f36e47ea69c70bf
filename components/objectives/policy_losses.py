"""What the policy minimises: PPO's clipped surrogate (Schulman 2017) and plain REINFORCE.

Every figure is a sum over real tokens divided by `count`, so those of microbatches add up to those of the minibatch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from components.objectives.masking import Count, masked_mean

#: exp() of more than this only makes infinities; the clip has bitten long before.
MAX_LOG_RATIO = 20.0


@dataclass(frozen=True)
class PolicyLoss:
    """A loss with its gradient, and what to watch: scalars without gradient.

    Attributes:
        clip_fraction: share of tokens that the clip kept from moving the policy.
        ratio_mean: mean of policy / sampler.
        ratio_spread: mean of (ratio - 1)^2; see `ratio_variance`.
    """

    loss: Tensor
    clip_fraction: Tensor
    ratio_mean: Tensor
    ratio_spread: Tensor


def ppo_policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip_eps: float,
    dual_clip: float | None = None,
    count: Count = None,
) -> PolicyLoss:
    """Clipped surrogate (Schulman 2017, 1707.06347, eq. 7), negated to be minimised.

    Args:
        logprobs, old_logprobs, advantages, mask: one shape, [B, T] or flat; only `logprobs` may carry a gradient.
        dual_clip: > 1; the loss of a token with a negative advantage is at most dual_clip * |advantage|, however
            much more likely the token has become (Ye 2019, 1912.09729, "dual-clip PPO"). None leaves it unbounded.
        count: real tokens of the whole minibatch; None: of this call.
    """
    log_ratio = _log_ratio(logprobs, old_logprobs, mask)
    ratio = log_ratio.exp()
    free = ratio * advantages
    gain = torch.minimum(free, ratio.clamp(1.0 - clip_eps, 1.0 + clip_eps) * advantages)
    if dual_clip is not None:
        gain = torch.where(advantages < 0.0, torch.maximum(gain, dual_clip * advantages), gain)
    return _watched(-gain, gain.detach() != free.detach(), log_ratio.detach(), mask, count)


def reinforce_policy_loss(
    logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor, count: Count = None
) -> PolicyLoss:
    """-advantage * logprob, whose gradient is REINFORCE's with a baseline (Sutton & Barto 2018, eq. 13.11).

    Right for samples of the present policy: there is no importance ratio, `old_logprobs` only tells how far the
    policy has gone. That equation's factor gamma^t belongs to the advantages, where it is wanted.

    Args:
        logprobs, old_logprobs, advantages, mask: one shape, [B, T] or flat; only `logprobs` may carry a gradient.
        count: real tokens of the whole minibatch; None: of this call.
    """
    losses = -advantages * torch.where(mask, logprobs, 0.0)
    log_ratio = _log_ratio(logprobs.detach(), old_logprobs, mask)
    return _watched(losses, torch.zeros_like(mask), log_ratio, mask, count)


def ratio_variance(ratio_mean: Tensor, ratio_spread: Tensor) -> Tensor:
    """Population variance of the ratio from its two (summed up) moments: E[(r - 1)^2] - (E[r] - 1)^2.

    About 1 and not about 0: fp32 would lose a variance of 1e-6 in E[r^2] - E[r]^2.
    """
    return ratio_spread - (ratio_mean - 1.0).square()


def _log_ratio(logprobs: Tensor, old_logprobs: Tensor, mask: Tensor) -> Tensor:
    """0 at masked positions before anything is computed of it: else garbage there reaches the gradient as 0 * NaN."""
    return torch.where(mask, logprobs - old_logprobs, 0.0).clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO)


def _watched(losses: Tensor, clipped: Tensor, log_ratio: Tensor, mask: Tensor, count: Count) -> PolicyLoss:
    ratio = log_ratio.exp()
    return PolicyLoss(
        loss=masked_mean(losses, mask, count),
        clip_fraction=masked_mean(clipped.to(ratio.dtype), mask, count),
        ratio_mean=masked_mean(ratio, mask, count),
        ratio_spread=masked_mean(torch.expm1(log_ratio).square(), mask, count),
    )
