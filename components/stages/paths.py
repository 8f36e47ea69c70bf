"""Where each stage reads and writes, relative to the project's folder."""

from pathlib import Path

from components.workspace import STATE

FEEDBACK = Path("data/feedback")
PREPARED = Path("data/prepared")
MODELS = Path("models")
REPORTS = Path("reports")

#: Of training runs that are under way; no stage's output.
CHECKPOINTS = STATE / "checkpoints"

SFT = MODELS / "sft"
REWARD = MODELS / "reward"
JUDGE = MODELS / "judge"
POLICY = MODELS / "policy"
DPO = MODELS / "dpo"


def metrics_file(stage: str) -> Path:
    """The stage's final figures (a DVC metric)."""
    return REPORTS / f"{stage}.json"


def steps_file(stage: str) -> Path:
    """The stage's figures step by step (a DVC plot)."""
    return REPORTS / "steps" / f"{stage}.csv"
