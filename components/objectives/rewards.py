"""From scores of whole responses to a reward per token."""

from __future__ import annotations

import torch
from torch import Tensor

from components.objectives.masking import masked_mean, whiten


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


def scale_rewards(rewards: Tensor, mask: Tensor) -> Tensor:
    """Rewards [B, T] whose variance over the real tokens is 1 and whose mean stays what it was; 0 where masked.

    The mean stays because it is what tells good from bad: without it, half of all tokens would seem bad.
    (Huang 2024, the reward whitening of Ziegler 2019's code with shift_mean=False.)
    """
    return torch.where(mask, whiten(rewards, mask) + masked_mean(rewards, mask), 0.0)
