"""PPO on a language model: sample, judge, and move a little towards what was judged better.

Schulman 2017 (1707.06347) with the details of Ziegler 2019, Stiennon 2020 and Huang 2024 (2403.17031).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.logprobs import entropies, response_logits, scalar_outputs, token_logprobs
from components.objectives.advantages import gae, rewards_from_scores
from components.objectives.kl import k1
from components.objectives.masking import masked_mean, whiten
from components.objectives.policy_losses import clipped_value_loss, explained_variance, ppo_policy_loss
from components.progress import Log
from components.training.optimization import Optimization
from components.training.rollouts import Rollouts, RolloutSampler

if TYPE_CHECKING:
    from components.config import PpoParams


@dataclass(frozen=True)
class Targets:
    """What the updates of one round aim at: whitened advantages and returns, both [B, T]."""

    advantages: Tensor
    returns: Tensor


def train_ppo(
    sampler: RolloutSampler, prompts: Sequence[str], params: PpoParams, seed: int, log: Log
) -> None:
    """Improve `sampler.policy` and `sampler.critic`, in place, on `prompts`."""
    order = torch.Generator().manual_seed(seed)
    dice = torch.Generator(sampler.policy.device).manual_seed(seed)
    policy = _optimization(sampler.policy, params.learning_rate, params)
    critic = _optimization(sampler.critic, params.critic_learning_rate, params)
    rounds = prompt_rounds(prompts, params.rollouts, order)
    for iteration in range(1, params.iterations + 1):
        rollouts = sampler.collect(next(rounds), dice)
        targets = compute_targets(rollouts, params)
        updates = _update(rollouts, targets, policy, critic, params, order)
        policy.advance()
        critic.advance()
        log({**describe(rollouts, targets), **updates}, iteration)


def prompt_rounds(prompts: Sequence[str], count: int, generator: torch.Generator) -> Iterator[list[str]]:
    """Endless rounds of `count` prompts; every prompt once before any comes again."""
    queue: list[str] = []
    while True:
        while len(queue) < count:
            queue.extend(prompts[i] for i in torch.randperm(len(prompts), generator=generator).tolist())
        yield queue[:count]
        del queue[:count]


def compute_targets(rollouts: Rollouts, params: PpoParams) -> Targets:
    """KL-penalised rewards, then GAE, then advantages whitened over all real tokens of the round."""
    mask = rollouts.response_mask
    kl = k1(rollouts.old_logprobs, rollouts.ref_logprobs)
    rewards = rewards_from_scores(rollouts.scores, kl, mask, params.kl_coef)
    advantages, returns = gae(rewards, rollouts.values, mask, rollouts.bootstrap, params.gamma, params.lam)
    return Targets(whiten(advantages, mask), returns)


def _update(
    rollouts: Rollouts,
    targets: Targets,
    policy: Optimization,
    critic: Optimization,
    params: PpoParams,
    order: torch.Generator,
) -> dict[str, float]:
    """`epochs` reshuffled passes of `minibatches` steps; stops early where the policy has moved enough."""
    history: list[dict[str, float]] = []
    for indices in _minibatches(len(rollouts), params, order):
        part = rollouts.select(indices)
        aims = Targets(targets.advantages[indices], targets.returns[indices])
        step = _policy_step(part, aims, policy, params) | _critic_step(part, aims, critic, params)
        history.append(step)
        if step["approx_kl"] > params.target_kl:
            break
    means = {name: sum(step[name] for step in history) / len(history) for name in history[0]}
    return means | {"updates": float(len(history))}


def _minibatches(count: int, params: PpoParams, order: torch.Generator) -> Iterator[Tensor]:
    for _ in range(params.epochs):
        yield from torch.randperm(count, generator=order).chunk(params.minibatches)


def _policy_step(
    part: Rollouts, targets: Targets, policy: Optimization, params: PpoParams
) -> dict[str, float]:
    length = part.response_mask.shape[1]
    logits = response_logits(policy.model, part.ids, part.mask, length)
    logprobs = token_logprobs(logits, part.ids[:, -length:], params.temperature)
    result = ppo_policy_loss(
        logprobs, part.old_logprobs, targets.advantages, part.response_mask, params.clip_eps
    )
    norm = policy.step(result.loss)
    entropy = masked_mean(entropies(logits.detach(), params.temperature), part.response_mask)
    return {
        "policy_loss": result.loss.item(),
        "clip_fraction": result.clip_fraction.item(),
        "approx_kl": result.approx_kl.item(),
        "ratio": result.ratio_mean.item(),
        "entropy": entropy.item(),
        "policy_grad_norm": norm,
    }


def _critic_step(
    part: Rollouts, targets: Targets, critic: Optimization, params: PpoParams
) -> dict[str, float]:
    length = part.response_mask.shape[1]
    values = scalar_outputs(critic.model, part.ids, part.mask)[:, -length - 1 : -1]
    loss = clipped_value_loss(values, part.values, targets.returns, part.response_mask, params.value_clip)
    return {"value_loss": loss.item(), "value_grad_norm": critic.step(loss)}


def describe(rollouts: Rollouts, targets: Targets) -> dict[str, float]:
    """The figures of one round that a person watches."""
    mask = rollouts.response_mask
    kl = k1(rollouts.old_logprobs, rollouts.ref_logprobs)
    return {
        "score": rollouts.scores.mean().item(),
        "kl": torch.where(mask, kl, 0.0).sum(dim=1).mean().item(),
        "eos_rate": rollouts.ended.float().mean().item(),
        "length": mask.sum(dim=1).float().mean().item(),
        "explained_variance": explained_variance(rollouts.values, targets.returns, mask).item(),
    }


def _optimization(model: PreTrainedModel, learning_rate: float, params: PpoParams) -> Optimization:
    return Optimization(model, learning_rate, params.iterations, max_grad_norm=params.max_grad_norm)
