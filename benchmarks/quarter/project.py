"""A project of its own for the quarter: a fresh clone with a small model, gates that let such a model pass, git on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from benchmarks.fault_injection.servers import free_port

ROOT = Path(__file__).parents[2]
#: By `rlhf ingest` and `rlhf retrain`, for git to keep.
WRITTEN = ("data/feedback.dvc", "dvc.lock")

#: What twelve retrainings on two cores have time for.
SMALL: dict[str, dict[str, Any]] = {
    "tiny": {"n_layer": 1, "n_embd": 128, "n_head": 4, "vocab_size": 512},
    "sft": {"epochs": 14},
    "judge": {"ensemble": 1},
    "ppo": {"iterations": 5, "rollouts": 64, "epochs": 2, "minibatches": 2, "snapshots": 2},
    "select": {"prompts": 60},
    "evaluate": {
        "prompts": 120,
        "best_of": 8,
        "best_of_prompts": 16,
        "bootstrap_samples": 500,
        "side_by_side": 20,
    },
    "git": {"commit": True},
    # What is a day in a team's life is seconds here.
    "schedule": {
        "inbox": "inbox",
        "inbox_seconds": 30,
        "retrain_cron": "*/10 * * * *",
        "min_new_rows": 200,
        "debounce_seconds": 5.0,
        "reconcile_seconds": 60,
    },
    "retention": {"candidates": 3, "production": 3, "grace_days": 0.0, "runs_days": 0.0},
}
#: So small a model learns too little for the gates of the sample; here the machinery is looked at, not the model.
LENIENT = {
    "min_win_rate_lower": 0.01,
    "min_champion_win_rate_lower": 0.01,
    "min_reward_accuracy_lower": 0.01,
    "min_judge_accuracy_lower": 0.01,
    "max_sequence_kl": 1000.0,
    "max_calibration_error": 1.0,
    "max_length_ratio": 100.0,
    "max_character_ratio": 100.0,
    "max_slice_loss": 0.49,
    "max_copied_ratio": 100.0,
    "min_relevance_ratio": 0.001,
    "max_new_phrase_share": 0.999,
    "max_empty_share": 1.0,
    "max_truncated_share": 1.0,
    "max_repetition_ratio": 100.0,
    "min_distinct_2_ratio": 0.001,
}


def make_project(folder: Path) -> None:
    """A project for the quarter."""
    ports = {"prefect_port": free_port(), "mlflow_port": free_port(), "min_free_gb": 1.0}
    copy_project(folder, {**SMALL, "gates": LENIENT, "servers": ports})


def copy_project(folder: Path, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """A fresh clone with its parameters changed by section, and committed."""
    copy_files(folder)
    path = folder / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    for section, values in changes.items():
        params[section] |= values
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    _git(folder, "init", "-q")
    _git(folder, "add", ".")
    _git(
        folder, "-c", "user.name=team", "-c", "user.email=team@localhost", "commit", "-q", "-m", "The project"
    )


def copy_files(folder: Path) -> None:
    """What git tracks here, as it is on the disk; what runs wrote stays behind, be it committed or not."""
    for name in _git(ROOT, "ls-files", "-z").split("\0"):
        if name not in WRITTEN and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def commits_of(folder: Path, path: str) -> list[str]:
    """Each content that a file had in git's history, the oldest first."""
    revisions = _git(folder, "log", "--reverse", "--format=%H", "--", path).split()
    return [_git(folder, "show", f"{revision}:{path}") for revision in revisions]


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True
    ).stdout
