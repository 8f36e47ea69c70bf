"""Stage `ppo`: models/sft + models/reward + training prompts -> models/ppo, policies kept along the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from components.config import AlarmParams, PpoParams, load_params
from components.evaluation.alarms import Rows, raised_now
from components.files import replacing_directory
from components.modeling.attention import reads_packed_rows
from components.modeling.device import cast_weights, pick_device, seed_everything
from components.modeling.exploration import Exploration
from components.modeling.loading import (
    load_policy,
    load_reward_model,
    load_tokenizer,
    new_reward_model,
    save_model,
    scalar_head,
)
from components.modeling.text_format import TextFormat
from components.stages.candidates import policy_folder
from components.stages.checkpointing import snapshots_for
from components.stages.forgetting import after_outputs
from components.stages.launching import run_training_stage
from components.stages.paths import REWARD, RUN, SFT
from components.stages.positions import positions_of
from components.stages.prepared import load_prompts
from components.stages.step_log import StepLog
from components.stages.training_run import start_run
from components.training.learner import Compute
from components.training.policy import Learners, leave_ready, make_critic, make_learners, train_policy
from components.training.rollouts import RolloutSampler
from components.training.run import Run
from components.training.scoring import RewardScale, load_scorer
from components.training.snapshots import spread
from components.training.state_files import State

STAGE = "ppo"
#: The figures of the last iterations that stand in reports/ppo.json; not every algorithm has all.
WATCHED = (
    "score",
    "disagreement",
    "kl",
    "entropy",
    "eos_rate",
    "length",
    "clip_fraction",
    "explained_variance",
)


def main() -> None:
    params = load_params()
    seed_everything(params.seed)
    shown = ("score", "kl", "entropy", "eos_rate")
    log = StepLog(STAGE, params.ppo.iterations, shown, watch=lambda rows: _alarms(rows, params.alarms))
    run = start_run(STAGE, params, params.seed, log)
    run = replace(run, snapshots=snapshots_for(STAGE, _kept_iterations(params.ppo), run.leads))
    sampler, learners = set_up(params.ppo, run.compute)
    prompts = [row.prompt for row in load_prompts("train")]
    train_policy(sampler, learners, prompts, params.ppo, run)
    if not run.leads:
        return
    with replacing_directory(RUN) as folder:
        save_model(policy_folder(params.ppo.iterations, folder), sampler.policy, *_formats(sampler))
        _save_earlier(folder, run, params.ppo, sampler)
    log.write({name: log.mean_of_last(name) for name in WATCHED if name in log.rows[0]})
    after_outputs(STAGE)


def _alarms(rows: Rows, limits: AlarmParams) -> list[str]:
    return [f"alarm: iteration {alarm.iteration}: {alarm.says}" for alarm in raised_now(rows, limits)]


def _kept_iterations(params: PpoParams) -> list[int]:
    return spread(params.snapshots, params.iterations)


def _save_earlier(folder: Path, run: Run, params: PpoParams, sampler: RolloutSampler) -> None:
    """The policies before the last."""
    for iteration, weights in run.snapshots.kept():
        if iteration < params.iterations:
            policy = policy_with(weights, params, run.compute)
            save_model(policy_folder(iteration, folder), policy, *_formats(sampler))


def policy_with(weights: State, params: PpoParams, compute: Compute) -> PreTrainedModel:
    """The policy of a snapshot: the SFT model with what had been learned by then, ready to be saved."""
    policy, _, _ = load_policy(SFT)
    learners = make_learners(policy, None, params, Compute(adapters=compute.adapters))
    learners.policy.weights.restore(weights)
    leave_ready(policy, learners, params)
    return policy


def _formats(sampler: RolloutSampler) -> tuple[Any, TextFormat]:
    return sampler.tokenizer, sampler.text_format


def set_up(params: PpoParams, compute: Compute) -> tuple[RolloutSampler, Learners]:
    """Policy and reference from the SFT model; a critic of its own from the reward model."""
    device = pick_device()
    policy, tokenizer, text_format = load_policy(SFT)
    critic_model = load_critic().to(device) if params.has_own_critic else None
    learners = make_learners(policy.to(device), critic_model, params, compute)
    sampler = RolloutSampler(
        policy=policy,
        reference=policy if compute.adapters else load_reference(compute).to(device),
        critic=make_critic(policy, critic_model, params),
        tokenizer=tokenizer,
        text_format=text_format,
        score_texts=load_scorer(REWARD, params.uncertainty_penalty).cast(compute.dtype),
        explore=Exploration(params.temperature, params.top_k, params.top_p, params.epsilon),
        missing_eos_score=params.missing_eos_score,
        workers=compute.workers,
    )
    return sampler, learners


def load_reference(compute: Compute) -> PreTrainedModel:
    """The SFT model, frozen."""
    reference, _, _ = load_policy(SFT)
    # In the precision that the policy is sampled in, or their difference would look like a divergence.
    cast_weights(reference.requires_grad_(False), compute.dtype)
    return reference


def load_critic() -> PreTrainedModel:
    """The reward model (an ensemble's first), its head on the scale of the normalised scores that it will be taught.

    A critic reads all the tokens of the policy, state by state. Where the reward model reads other tokens, fewer of
    them, or, as an encoder, whole texts alone, the critic is the SFT model with a head of zeros: its first values are
    0 and say nothing wrong.
    """
    critic, tokenizer, _ = load_reward_model(REWARD)
    scale = RewardScale.load(REWARD)
    if not _reads_states_of_policy(critic, tokenizer):
        critic, _, _ = new_reward_model(SFT)
        torch.nn.init.zeros_(scalar_head(critic).weight)
        scale = RewardScale(0.0, 1.0)
    head = scalar_head(critic)
    head.weight.data /= scale.std
    head.bias = torch.nn.Parameter(torch.tensor([-scale.mean / scale.std]))
    return critic


def _reads_states_of_policy(model: PreTrainedModel, tokenizer: Any) -> bool:
    of_policy = TextFormat.load(SFT)
    return (
        reads_packed_rows(model)
        and tokenizer.get_vocab() == load_tokenizer(SFT).get_vocab()
        and positions_of(model) >= of_policy.max_prompt_tokens + of_policy.max_response_tokens
    )


if __name__ == "__main__":
    run_training_stage(main, STAGE)
