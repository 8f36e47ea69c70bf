"""Policy gradient on a language model: sample, judge, and move a little towards what was judged better.

PPO (Schulman 2017, 1707.06347) with the details of Ziegler 2019, Stiennon 2020 and Huang 2024 (2403.17031); REINFORCE,
RLOO and GRPO on the same rollouts (components/training/targets.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedModel

from components.modeling.value_head import attach_value_head, detach_value_head
from components.objectives.kl_control import AdaptiveKl, FixedKl, KlController
from components.objectives.value_losses import explained_variance
from components.training.checkpoints import Parts
from components.training.critics import NoCritic, SeparateCritic, SharedTrunkCritic
from components.training.learner import Compute, Learner, Schedule
from components.training.prompt_queue import PromptQueue
from components.training.randomness import Generator, LibraryRandomness
from components.training.rollouts import Critic, Rollouts, RolloutSampler
from components.training.run import Run
from components.training.targets import compute_targets, sequence_kl
from components.training.updates import Round, update_models

if TYPE_CHECKING:
    from components.config import PpoParams


@dataclass(frozen=True)
class Learners:
    """Who learns; `critic` is None where the policy's own trunk or no critic at all says what states are worth."""

    policy: Learner
    critic: Learner | None

    def parts(self) -> dict[str, Learner]:
        """Who learns, by name."""
        return {"policy": self.policy} | ({} if self.critic is None else {"critic": self.critic})

    def refresh(self) -> None:
        """Let the models that sample and score know what was learned."""
        self.policy.refresh()
        if self.critic is not None:
            self.critic.refresh()

    def advance(self) -> None:
        """Move every learning rate one step along its schedule."""
        self.policy.advance()
        if self.critic is not None:
            self.critic.advance()

    def finish(self) -> None:
        """Leave the models in float32, ready to be saved."""
        self.policy.finish()
        if self.critic is not None:
            self.critic.finish()


def make_learners(
    policy: PreTrainedModel, critic: PreTrainedModel | None, params: PpoParams, compute: Compute
) -> Learners:
    """Learners whose schedules end with the last iteration; a shared trunk gets its value head here."""
    if params.shares_trunk:
        attach_value_head(policy)

    def learner(model: PreTrainedModel, rate: float) -> Learner:
        schedule = Schedule(
            rate,
            params.iterations,
            max_grad_norm=params.max_grad_norm,
            updates_per_step=params.epochs * params.minibatches,
        )
        return Learner(model, schedule, compute)

    return Learners(
        learner(policy, params.learning_rate),
        None if critic is None else learner(critic, params.critic_learning_rate),
    )


def make_critic(policy: PreTrainedModel, critic: PreTrainedModel | None, params: PpoParams) -> Critic:
    """Who reads the values while rollouts are collected."""
    if critic is not None:
        return SeparateCritic(critic)
    return SharedTrunkCritic(policy) if params.shares_trunk else NoCritic()


def train_policy(
    sampler: RolloutSampler, learners: Learners, prompts: Sequence[str], params: PpoParams, run: Run
) -> None:
    """Improve the policy, and the critic where there is one, in place, on `prompts`."""
    order = torch.Generator().manual_seed(run.seed)
    # Another stream than the order's, or the first dice would be the first order's own numbers.
    dice = torch.Generator().manual_seed(run.seed + 1)
    queue = PromptQueue(len(prompts), order)
    kl_control = make_kl_controller(params)
    parts: Parts = {
        **learners.parts(),
        "order": Generator(order),
        "dice": Generator(dice),
        "queue": queue,
        "kl_control": kl_control,
        "log": run.log,
        "randomness": LibraryRandomness(),
    }
    done = run.checkpoints.resume(parts)
    for iteration in range(done + 1, params.iterations + 1):
        asked = [prompts[i] for i in queue.take(params.rollouts // params.samples_per_prompt)]
        learners.refresh()
        rollouts = sampler.collect(asked, params.samples_per_prompt, dice)
        targets = compute_targets(rollouts, params, kl_control.coef)
        this = Round(rollouts, targets, params, kl_control.coef)
        updates = update_models(this, learners.policy, learners.critic, order)
        run.log({**describe(this), **updates}, iteration)
        kl_control.update(sequence_kl(rollouts).item(), len(rollouts))
        learners.advance()
        run.snapshots.after_iteration(iteration, learners.policy)
        run.checkpoints.after_step(iteration, parts, learners.parts())
    leave_ready(sampler.policy, learners, params)


def leave_ready(policy: PreTrainedModel, learners: Learners, params: PpoParams) -> None:
    """Leave the models in float32, the policy without what only its training needed."""
    learners.finish()
    if params.shares_trunk:
        detach_value_head(policy)


def make_kl_controller(params: PpoParams) -> KlController:
    if params.kl_target is None:
        return FixedKl(params.kl_coef)
    return AdaptiveKl(params.kl_coef, params.kl_target, params.kl_horizon)


def describe(this: Round) -> dict[str, float]:
    """The figures of one round that a person watches."""
    rollouts, mask = this.rollouts, this.rollouts.response_mask
    ended = rollouts.ended.float().mean().item()
    return {
        "score": rollouts.scores.mean().item(),
        "reward": this.targets.rewards.sum(dim=1).mean().item(),
        "disagreement": rollouts.disagreement.mean().item(),
        "kl": sequence_kl(rollouts).item(),
        "kl_coef": this.kl_coef,
        "eos_rate": ended,
        "truncated": 1.0 - ended,
        "length": mask.sum(dim=1).float().mean().item(),
        "length_correlation": length_correlation(rollouts),
        "tokens": float(mask.sum().item()),
    } | (_describe_critic(this) if this.params.needs_critic else {})


def length_correlation(rollouts: Rollouts) -> float:
    """Pearson's correlation of score and length over the responses that ended themselves; a cut one has no score of its
    own. NaN where all scores or all lengths are equal."""
    lengths = rollouts.response_mask.sum(dim=1)[rollouts.ended].double()
    scores = rollouts.scores[rollouts.ended].double()
    if len(scores) < 2:
        return math.nan
    return torch.corrcoef(torch.stack([scores, lengths]))[0, 1].item()


def _describe_critic(this: Round) -> dict[str, float]:
    rollouts = this.rollouts
    explained = explained_variance(rollouts.values, this.targets.returns, rollouts.response_mask)
    return {"explained_variance": explained.item()}
