"""The optimizer steps of one round: minibatches of its responses through policy and critic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from components.objectives.kl import k3
from components.objectives.masking import masked_mean
from components.objectives.policy_losses import (
    PolicyLoss,
    ppo_policy_loss,
    ratio_variance,
    reinforce_policy_loss,
)
from components.objectives.value_losses import clipped_value_loss, value_clip_fraction
from components.training.forward import response_logprobs, response_logprobs_and_values, state_values
from components.training.learner import Figures, Learner, Update
from components.training.rollouts import Rollouts
from components.training.targets import Targets

if TYPE_CHECKING:
    from components.config import PpoParams


@dataclass(frozen=True)
class Round:
    """Judged rollouts and what to learn from them, with a look at any of their rows.

    Attributes:
        kl_coef: of this round.
    """

    rollouts: Rollouts
    targets: Targets
    params: PpoParams
    kl_coef: float

    def flat(self, table: Tensor, rows: Sequence[int]) -> Tensor:
        """[M] what a [B, T] table holds at the response tokens of `rows`."""
        chosen = list(rows)
        return table[chosen][self.rollouts.response_mask[chosen]]

    def tokens(self, rows: Sequence[int]) -> int:
        """How many response tokens `rows` have together."""
        return int(self.rollouts.response_mask[list(rows)].sum())


def update_models(
    this: Round, policy: Learner, critic: Learner | None, order: torch.Generator
) -> dict[str, float]:
    """`epochs` reshuffled passes of `minibatches` steps; stops early where the policy has moved enough or is lost.

    Returns:
        means over the steps made, and their number as "updates".
    """
    history: list[dict[str, float]] = []
    for rows in _minibatches(len(this.rollouts), this.params, order):
        step = _describe_policy_step(_update_policy(this, rows, policy))
        if critic is not None:
            step |= _describe_critic_step(_update_critic(this, rows, critic))
        history.append(step)
        lost = policy.must_go_back or (critic is not None and critic.must_go_back)
        if lost or step["approx_kl"] > this.params.target_kl:
            break
    means = {name: sum(step[name] for step in history) / len(history) for name in history[0]}
    return means | {"updates": float(len(history))}


def _minibatches(count: int, params: PpoParams, order: torch.Generator) -> Iterator[list[int]]:
    for _ in range(params.epochs):
        for part in torch.randperm(count, generator=order).tensor_split(params.minibatches):
            yield part.tolist()


def _update_policy(this: Round, rows: list[int], policy: Learner) -> Update:
    count = this.tokens(rows)

    def figures(part: Sequence[int]) -> Figures:
        return _policy_figures(this, [rows[i] for i in part], policy, count)

    return policy.update([len(this.rollouts.rows[i]) for i in rows], figures)


def _policy_figures(this: Round, rows: list[int], policy: Learner, count: int) -> Figures:
    encoded = [this.rollouts.rows[i] for i in rows]
    params = this.params
    if params.shares_trunk:
        logprobs, entropy, values = response_logprobs_and_values(policy.model, encoded, params.temperature)
    else:
        logprobs, entropy = response_logprobs(policy.model, encoded, params.temperature)
    real = torch.ones_like(logprobs, dtype=torch.bool)
    result = _policy_loss(this, rows, logprobs, real, count)
    sampled_by = this.flat(this.rollouts.logprobs, rows)
    figures = {
        "loss": result.loss,
        "policy_loss": result.loss,
        "clip_fraction": result.clip_fraction,
        # From the policy that sampled, not from what it explored with: it says how far the updates have gone.
        "approx_kl": masked_mean(k3(sampled_by, logprobs.detach()), real, count),
        "ratio": result.ratio_mean,
        "ratio_spread": result.ratio_spread,
        "entropy": masked_mean(entropy, real, count),
    }
    if params.algorithm == "grpo":
        penalty = masked_mean(k3(logprobs, this.flat(this.rollouts.ref_logprobs, rows)), real, count)
        figures["loss"] = figures["loss"] + this.kl_coef * penalty
    if params.shares_trunk:
        value = _value_figures(this, rows, values, count)
        figures |= value | {"loss": figures["loss"] + params.vf_coef * value["value_loss"]}
    return figures


def _policy_loss(this: Round, rows: list[int], logprobs: Tensor, real: Tensor, count: int) -> PolicyLoss:
    advantages = this.flat(this.targets.advantages, rows)
    sampled_with = this.flat(this.rollouts.behaviour, rows)
    if this.params.algorithm == "reinforce":
        return reinforce_policy_loss(logprobs, sampled_with, advantages, real, count)
    clip, dual = this.params.clip_eps, this.params.dual_clip
    return ppo_policy_loss(logprobs, sampled_with, advantages, real, clip, dual, count)


def _update_critic(this: Round, rows: list[int], critic: Learner) -> Update:
    count = this.tokens(rows)

    def figures(part: Sequence[int]) -> Figures:
        chosen = [rows[i] for i in part]
        encoded = [this.rollouts.rows[i] for i in chosen]
        found = _value_figures(this, chosen, state_values(critic.model, encoded, after_last=False), count)
        return found | {"loss": found["value_loss"]}

    return critic.update([len(this.rollouts.rows[i]) for i in rows], figures)


def _value_figures(this: Round, rows: list[int], values: Tensor, count: int) -> Figures:
    old, returns = this.flat(this.rollouts.values, rows), this.flat(this.targets.returns, rows)
    real, clip = torch.ones_like(values, dtype=torch.bool), this.params.value_clip
    return {
        "value_loss": clipped_value_loss(values, old, returns, real, clip, count),
        "value_clip_fraction": value_clip_fraction(values, old, returns, real, clip, count),
    }


def _describe_policy_step(update: Update) -> dict[str, float]:
    found = {name: value for name, value in update.figures.items() if name not in ("loss", "ratio_spread")}
    spread = update.figures["ratio_spread"]
    return found | {
        "ratio_variance": ratio_variance(torch.tensor(found["ratio"]), torch.tensor(spread)).item(),
        "policy_grad_norm": update.grad_norm,
        "skipped": float(not update.applied),
    }


def _describe_critic_step(update: Update) -> dict[str, float]:
    found = {name: value for name, value in update.figures.items() if name != "loss"}
    return found | {"value_grad_norm": update.grad_norm}
