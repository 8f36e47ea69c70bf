"""Stage `ppo`: models/sft + models/reward + training prompts -> models/policy."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

from components.config import PpoParams, load_params
from components.files import replacing_directory
from components.modeling.device import pick_device, seed_everything
from components.modeling.loading import load_policy, load_reward_model, save_model, scalar_head
from components.stages.paths import POLICY, REWARD, SFT
from components.stages.prepared import load_prompts
from components.stages.running import run_stage
from components.stages.step_log import StepLog
from components.training.ppo import train_ppo
from components.training.rollouts import RolloutSampler
from components.training.scoring import RewardScale, load_scorer

STAGE = "ppo"


def main() -> None:
    params = load_params()
    seed_everything(params.seed)
    sampler = build_sampler(params.ppo)
    prompts = [row.prompt for row in load_prompts("train")]
    log = StepLog(STAGE, params.ppo.iterations, shown=("score", "kl", "entropy", "eos_rate"))
    train_ppo(sampler, prompts, params.ppo, params.seed, log)
    with replacing_directory(POLICY) as folder:
        save_model(folder, sampler.policy, sampler.tokenizer, sampler.text_format)
    watched = ("score", "kl", "entropy", "eos_rate", "length", "clip_fraction", "explained_variance")
    log.write({name: log.mean_of_last(name) for name in watched})


def build_sampler(params: PpoParams) -> RolloutSampler:
    """Policy and reference from the SFT model; critic from the reward model (Stiennon 2020, section 3.4)."""
    device = pick_device()
    policy, tokenizer, text_format = load_policy(SFT)
    reference, _, _ = load_policy(SFT)
    critic = load_critic()
    return RolloutSampler(
        policy=policy.to(device),
        reference=reference.to(device).requires_grad_(False),
        critic=critic.to(device),
        tokenizer=tokenizer,
        text_format=text_format,
        score_texts=load_scorer(REWARD),
        temperature=params.temperature,
        missing_eos_score=params.missing_eos_score,
    )


def load_critic() -> PreTrainedModel:
    """The reward model, its head on the scale of the normalised scores that the critic will be taught."""
    critic, _, _ = load_reward_model(REWARD)
    scale, head = RewardScale.load(REWARD), scalar_head(critic)
    head.weight.data /= scale.std
    head.bias = torch.nn.Parameter(torch.tensor([-scale.mean / scale.std]))
    return critic


if __name__ == "__main__":
    run_stage(main)
