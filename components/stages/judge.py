"""Stage `judge`: models/sft + preferences of the role "judge" -> models/judge, which PPO never sees."""

from __future__ import annotations

from components.config import load_params
from components.stages.paths import JUDGE
from components.stages.preference_model import train_preference_model
from components.stages.running import run_stage

STAGE = "judge"
#: The judge must not share its head's random start and data order with the reward model.
SEED_OFFSET = 1000


def main() -> None:
    params = load_params()
    train_preference_model(STAGE, "judge", JUDGE, params.judge, params.seed + SEED_OFFSET)


if __name__ == "__main__":
    run_stage(main)
