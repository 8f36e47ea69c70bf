"""From judged rollouts to what the updates aim at: one function an algorithm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from components.objectives.advantages import discounted_returns, gae
from components.objectives.group_advantages import group_normalised, leave_one_out, spread_over_tokens
from components.objectives.kl import k1
from components.objectives.masking import masked_sum, whiten
from components.objectives.rewards import rewards_from_scores, scale_rewards
from components.training.rollouts import Rollouts

if TYPE_CHECKING:
    from components.config import PpoParams


@dataclass(frozen=True)
class Targets:
    """What the updates of one round aim at.

    Attributes:
        rewards: [B, T], score and KL penalty; advantages: [B, T]; returns: [B, T], what the critic should have said.
    """

    rewards: Tensor
    advantages: Tensor
    returns: Tensor


def compute_targets(rollouts: Rollouts, params: PpoParams, kl_coef: float) -> Targets:
    """Targets by the algorithm of `params`."""
    return ALGORITHMS[params.algorithm](rollouts, params, kl_coef)


def _ppo(rollouts: Rollouts, params: PpoParams, kl_coef: float) -> Targets:
    """GAE on KL-penalised rewards; advantages whitened over all real tokens of the round."""
    mask = rollouts.response_mask
    rewards = _rewards(rollouts, params, kl_coef)
    advantages, returns = gae(rewards, rollouts.values, mask, rollouts.bootstrap, params.gamma, params.lam)
    return Targets(rewards, whiten(advantages, mask), returns)


def _reinforce(rollouts: Rollouts, params: PpoParams, kl_coef: float) -> Targets:
    """Discounted returns above the critic's baseline (Sutton & Barto 2018, section 13.4), whitened."""
    mask = rollouts.response_mask
    rewards = _rewards(rollouts, params, kl_coef)
    returns = discounted_returns(rewards, mask, params.gamma, rollouts.bootstrap)
    return Targets(rewards, whiten(returns - rollouts.values, mask), returns)


def _rloo(rollouts: Rollouts, params: PpoParams, kl_coef: float) -> Targets:
    """The whole response is one action: its penalised score above the mean of the others (Ahmadian 2024)."""
    mask = rollouts.response_mask
    rewards = _rewards(rollouts, params, kl_coef)
    advantages = leave_one_out(rewards.sum(dim=1), rollouts.groups)
    return _without_critic(rewards, spread_over_tokens(advantages, mask))


def _grpo(rollouts: Rollouts, params: PpoParams, kl_coef: float) -> Targets:
    """Scores normalised in their group; the KL penalty is a term of the loss instead (Shao 2024, eq. 3)."""
    mask = rollouts.response_mask
    rewards = rewards_from_scores(rollouts.scores, torch.zeros_like(rollouts.logprobs), mask, 0.0)
    advantages = group_normalised(rollouts.scores, rollouts.groups)
    return _without_critic(rewards, spread_over_tokens(advantages, mask))


ALGORITHMS: dict[str, Callable[[Rollouts, PpoParams, float], Targets]] = {
    "ppo": _ppo,
    "reinforce": _reinforce,
    "rloo": _rloo,
    "grpo": _grpo,
}


def _rewards(rollouts: Rollouts, params: PpoParams, kl_coef: float) -> Tensor:
    kl = k1(rollouts.logprobs, rollouts.ref_logprobs)
    rewards = rewards_from_scores(rollouts.scores, kl, rollouts.response_mask, kl_coef)
    return scale_rewards(rewards, rollouts.response_mask) if params.whiten_rewards else rewards


def _without_critic(rewards: Tensor, advantages: Tensor) -> Targets:
    return Targets(rewards, advantages, torch.zeros_like(rewards))


def sequence_kl(rollouts: Rollouts) -> Tensor:
    """Mean over responses of the sum over tokens of log policy - log reference, in nats."""
    kl = k1(rollouts.logprobs, rollouts.ref_logprobs)
    return masked_sum(kl, rollouts.response_mask) / len(rollouts)
