"""Stage `dpo`: models/sft + the reward model's preferences -> models/dpo, the baseline without rollouts."""

from __future__ import annotations

from components.config import load_params
from components.files import replacing_directory
from components.modeling.device import pick_device, seed_everything
from components.modeling.loading import load_policy, save_model
from components.stages.forgetting import after_outputs
from components.stages.launching import run_training_stage
from components.stages.pair_counts import count_pairs
from components.stages.paths import DPO, SFT
from components.stages.prepared import load_preferences
from components.stages.step_log import StepLog
from components.stages.training_run import start_run
from components.training.dpo import train_dpo
from components.training.epochs import count_steps
from components.training.reward_model import encode_preferences

STAGE = "dpo"


def main() -> None:
    params = load_params()
    seed_everything(params.seed)
    model, tokenizer, text_format = load_policy(SFT)
    model.to(pick_device())
    # The same pairs as the reward model's: PPO and DPO learn from the same people.
    preferences = load_preferences("train", "reward")
    pairs = encode_preferences(tokenizer, text_format, preferences)
    log = StepLog(STAGE, count_steps(len(pairs), params.dpo), shown=("loss", "margin"))
    run = start_run(STAGE, params, params.seed, log)
    train_dpo(model, pairs, params.dpo, run)
    if not run.leads:
        return
    with replacing_directory(DPO) as folder:
        save_model(folder, model, tokenizer, text_format)
    figures = {"train_loss": log.mean_of_last("loss"), "margin": log.mean_of_last("margin")}
    log.write({**count_pairs(len(preferences), len(pairs)), **figures})
    after_outputs(STAGE)


if __name__ == "__main__":
    run_training_stage(main, STAGE)
