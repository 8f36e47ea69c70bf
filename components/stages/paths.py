"""Where each stage reads and writes, relative to the project's folder."""

from pathlib import Path

from components.workspace import STATE

FEEDBACK = Path("data/feedback")
PREPARED = Path("data/prepared")
MODELS = Path("models")
REPORTS = Path("reports")

#: Of training runs that are under way; no stage's output.
CHECKPOINTS = STATE / "checkpoints"
SNAPSHOTS = STATE / "snapshots"

SFT = MODELS / "sft"
REWARD = MODELS / "reward"
JUDGE = MODELS / "judge"
#: The policies that PPO keeps along its way, of which the stage `select` makes one POLICY.
RUN = MODELS / "ppo"
POLICY = MODELS / "policy"
DPO = MODELS / "dpo"
#: The model in production when the candidate was made, where there is one: what the candidate must beat.
CHAMPION = Path("data/champion/version")
CHAMPION_UNKNOWN = Path("data/champion/unknown")


def metrics_file(stage: str) -> Path:
    """The stage's final figures (a DVC metric)."""
    return REPORTS / f"{stage}.json"


def steps_file(stage: str) -> Path:
    """The stage's figures step by step (a DVC plot)."""
    return REPORTS / "steps" / f"{stage}.csv"
