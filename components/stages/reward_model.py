"""Stage `reward_model`: models/sft + preferences of the role "reward" -> models/reward, which PPO sees."""

from __future__ import annotations

from components.config import load_params
from components.stages.launching import run_training_stage
from components.stages.paths import REWARD
from components.stages.preference_model import Setting, train_preference_model

STAGE = "reward_model"


def main() -> None:
    params = load_params()
    setting = Setting(STAGE, "reward", REWARD, params.reward_model, params.seed)
    train_preference_model(setting, params)


if __name__ == "__main__":
    run_training_stage(main, STAGE)
