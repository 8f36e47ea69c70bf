"""The section on the policy: PPO and its kin."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field, model_validator

from components.config.section import Count, Positive, Section, Share

#: What an algorithm does not read, with the value that means "nothing"; fields without such a value are left out.
UNREAD: dict[str, dict[str, object]] = {
    "ppo": {},
    "reinforce": {"dual_clip": None},
    "rloo": {"gamma": 1.0},
    "grpo": {"gamma": 1.0, "whiten_rewards": False},
}


class PpoParams(Section):
    """Policy gradient on rollouts of the policy (details: Huang 2024, "N+ implementation details").

    Every field stands in the file for every algorithm. What an algorithm does not read is said below; where such a
    field has a value that means "nothing", any other is refused.

    Attributes:
        algorithm: "ppo" (Schulman 2017), "reinforce" (discounted returns above a critic's baseline), or without a
            critic, from several answers to a prompt: "rloo" (Ahmadian 2024), "grpo" (Shao 2024).
        critic: "separate", a model of its own, or "shared", a head on the policy's trunk; not read by rloo and grpo.
        samples_per_prompt: answers sampled to each prompt of a round.
        iterations: rollout-and-update rounds.
        snapshots: policies kept along the way, the last among them; the stage `select` takes one of them.
        rollouts: responses sampled a round.
        epochs, minibatches: passes over a round's rollouts, and optimizer steps a pass; reinforce makes one pass.
        learning_rate: of the policy at the start; it falls in a line to zero at the last iteration.
        critic_learning_rate: of a separate critic alone.
        kl_coef: weight of the KL penalty: per token inside the reward, with grpo a term of the loss.
        kl_target: where set, kl_coef is only the start and is steered to this KL in nats a sequence (Ziegler 2019).
        kl_horizon: episodes over which it is steered.
        gamma: discount; not read by rloo and grpo, to which a response is one action.
        lam: GAE's lambda; of ppo alone.
        whiten_rewards: scale a round's rewards to variance 1; not read by grpo, which normalises scores by prompt.
        clip_eps: how far the ratio may move in one round; not read by reinforce, which has none.
        value_clip: how far the value may move in one round; not read by rloo and grpo.
        dual_clip: where set, bounds the loss of a token that got worse, at this ratio (Ye 2019); not with reinforce.
        vf_coef: weight of the value loss where the trunk is shared.
        temperature: divides the logits in sampling and in every logprob alike.
        top_k, top_p, epsilon: explore less or more than the policy itself (components/modeling/exploration.py); not
            with reinforce.
        missing_eos_score: score of a response that was cut by length instead of ending itself, in place of any other.
            null: a cut scores nothing and is worth what the critic expects of the rest (Pardo 2018).
        uncertainty_penalty: the score is the mean over the reward models of an ensemble minus this many times their
            standard deviation (Coste 2023).
        target_kl: a round's updates stop early when the approximate KL to the sampler passes this.
        max_grad_norm: a longer gradient is cut to this length.
    """

    algorithm: Literal["ppo", "reinforce", "rloo", "grpo"]
    critic: Literal["separate", "shared"]
    samples_per_prompt: Count
    iterations: Count
    snapshots: Count
    rollouts: Count
    epochs: Count
    minibatches: Count
    learning_rate: Positive
    critic_learning_rate: Positive
    kl_coef: Annotated[float, Field(ge=0)]
    kl_target: Positive | None
    kl_horizon: Positive
    gamma: Annotated[float, Field(gt=0, le=1)]
    lam: Annotated[float, Field(ge=0, le=1)]
    whiten_rewards: bool
    clip_eps: Share
    value_clip: Positive
    dual_clip: Annotated[float, Field(gt=1)] | None
    vf_coef: Positive
    temperature: Positive
    top_k: Annotated[int, Field(ge=0)]
    top_p: Annotated[float, Field(gt=0, le=1)]
    epsilon: Annotated[float, Field(ge=0, lt=1)]
    missing_eos_score: float | None
    uncertainty_penalty: Annotated[float, Field(ge=0)] = 0.0
    target_kl: Positive
    max_grad_norm: Positive

    @property
    def needs_critic(self) -> bool:
        """Whether the algorithm has a baseline of its own to learn."""
        return self.algorithm in ("ppo", "reinforce")

    @property
    def has_own_critic(self) -> bool:
        """Whether that baseline is a model beside the policy."""
        return self.needs_critic and self.critic == "separate"

    @property
    def shares_trunk(self) -> bool:
        """Whether that baseline is a head on the policy's trunk."""
        return self.needs_critic and self.critic == "shared"

    @model_validator(mode="after")
    def _check_round(self) -> PpoParams:
        if self.rollouts % self.samples_per_prompt:
            raise ValueError("rollouts must be a multiple of samples_per_prompt")
        if self.minibatches > self.rollouts:
            raise ValueError("there are more minibatches than rollouts")
        if not self.needs_critic and self.samples_per_prompt < 2:
            raise ValueError(
                f"{self.algorithm} compares answers to one prompt: set samples_per_prompt to 2 or more"
            )
        if not self.needs_critic and self.missing_eos_score is None:
            raise ValueError(
                f"{self.algorithm} has no critic to say what a cut answer is worth: set missing_eos_score"
            )
        if self.algorithm == "reinforce" and self.epochs > 1:
            raise ValueError(
                "reinforce has no importance ratio, so a sample serves one pass: set epochs to 1"
            )
        if self.algorithm == "reinforce" and (self.top_k or self.top_p < 1 or self.epsilon):
            raise ValueError(
                "reinforce has no importance ratio, so it samples the policy itself: leave top_k at 0, "
                "top_p at 1 and epsilon at 0, and explore by temperature"
            )
        return self

    @model_validator(mode="after")
    def _check_nothing_is_ignored(self) -> PpoParams:
        for name, nothing in UNREAD[self.algorithm].items():
            if getattr(self, name) != nothing:
                raise ValueError(
                    f"{self.algorithm} does not read {name}: leave it at {json.dumps(nothing)}, "
                    "or take another algorithm"
                )
        return self
