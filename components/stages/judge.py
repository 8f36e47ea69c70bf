"""Stage `judge`: models/sft + preferences of the role "judge" -> models/judge, which PPO never sees."""

from __future__ import annotations

from components.config import load_params
from components.stages.launching import run_training_stage
from components.stages.paths import JUDGE
from components.stages.preference_model import Setting, train_preference_model

STAGE = "judge"
#: The judge must not share its head's random start and data order with the reward model.
SEED_OFFSET = 1000


def main() -> None:
    params = load_params()
    setting = Setting(STAGE, "judge", JUDGE, params.judge, params.seed + SEED_OFFSET)
    train_preference_model(setting, params)


if __name__ == "__main__":
    run_training_stage(main, STAGE)
