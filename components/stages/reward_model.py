"""Stage `reward_model`: models/sft + preferences of the role "reward" -> models/reward, which PPO sees."""

from __future__ import annotations

from components.config import load_params
from components.stages.paths import REWARD
from components.stages.preference_model import train_preference_model
from components.stages.running import run_stage

STAGE = "reward_model"


def main() -> None:
    params = load_params()
    train_preference_model(STAGE, "reward", REWARD, params.reward_model, params.seed)


if __name__ == "__main__":
    run_stage(main)
