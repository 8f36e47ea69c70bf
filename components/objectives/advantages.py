"""From rewards and values to advantages and returns."""

from __future__ import annotations

import torch
from torch import Tensor


def gae(
    rewards: Tensor, values: Tensor, mask: Tensor, bootstrap: Tensor, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimation (Schulman 2015, eq. 16), raw: the caller whitens.

    delta_t = r_t + gamma * V_{t+1} - V_t  and  A_t = delta_t + gamma * lam * A_{t+1}.

    Args:
        rewards, values, mask: [B, T]; real tokens come first. values[:, t] is V of the state before token t.
        bootstrap: [B], V of the state after the last real token: 0 where the response ended itself (EOS),
            the critic's value where it was cut by length, because being cut is not an ending.

    Returns:
        advantages [B, T] and returns [B, T] (= advantages + values), 0 at masked positions.
    """
    next_value, next_advantage = bootstrap, torch.zeros_like(bootstrap)
    advantages = torch.zeros_like(rewards)
    for t in reversed(range(rewards.shape[1])):
        real = mask[:, t]
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        advantage = delta + gamma * lam * next_advantage
        advantages[:, t] = torch.where(real, advantage, 0.0)
        next_value = torch.where(real, values[:, t], next_value)
        next_advantage = torch.where(real, advantage, next_advantage)
    return advantages, torch.where(mask, advantages + values, 0.0)


def rewards_from_scores(scores: Tensor, kl: Tensor, mask: Tensor, kl_coef: float) -> Tensor:
    """Per-token reward: minus the KL penalty everywhere, plus the score on the last real token.

    (Ziegler 2019, eq. 2; Ouyang 2022, eq. 2.)

    Args:
        scores: [B]; kl: [B, T] per-token estimate against the reference; mask: [B, T], at least one True a row.

    Returns:
        [B, T], 0 at masked positions.
    """
    last = mask.sum(dim=1) - 1
    rewards = torch.where(mask, -kl_coef * kl, 0.0)
    rows = torch.arange(len(scores), device=scores.device)
    rewards[rows, last] += scores
    return rewards
