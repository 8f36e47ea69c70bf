"""From rewards and values per token to advantages and returns. What comes out is data: it carries no gradient."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def gae(
    rewards: Tensor, values: Tensor, mask: Tensor, bootstrap: Tensor, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimation (Schulman 2015, eq. 16), raw: the caller whitens.

    delta_t = r_t + gamma * V_{t+1} - V_t  and  A_t = delta_t + gamma * lam * A_{t+1}.

    Args:
        rewards, values, mask: [B, T]; real tokens come first. values[:, t] is V of the state before token t.
        bootstrap: [B], V of the state after the last real token: 0 where the response ended itself (EOS),
            the critic's value where it was cut by length, because being cut is not an ending; but 0 there too where
            the last reward says all that being cut is worth.

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


@torch.no_grad()
def discounted_returns(
    rewards: Tensor, mask: Tensor, gamma: float, bootstrap: Tensor | None = None
) -> Tensor:
    """G_t = r_t + gamma * G_{t+1} (Sutton & Barto 2018, eq. 3.9), what REINFORCE (section 13.3) learns from.

    Args:
        rewards, mask: [B, T]; real tokens come first.
        bootstrap: [B], the return expected after the last real token, as in `gae`; None is 0.

    Returns:
        [B, T], 0 at masked positions.
    """
    following = rewards.new_zeros(len(rewards)) if bootstrap is None else bootstrap
    returns = torch.zeros_like(rewards)
    for t in reversed(range(rewards.shape[1])):
        following = torch.where(mask[:, t], rewards[:, t] + gamma * following, following)
        returns[:, t] = torch.where(mask[:, t], following, 0.0)
    return returns
