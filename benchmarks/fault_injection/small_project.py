"""The shipped params.yaml made small, changes to it, and simulated feedback beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from components.feedback.ingestion import ingest_file
from components.feedback.simulator import write_feedback

ROOT = Path(__file__).parents[2]
SMALL = {
    "sft": {"epochs": 1},
    "reward_model": {"epochs": 1},
    "judge": {"epochs": 1},
    "dpo": {"epochs": 1},
    "ppo": {"iterations": 2, "rollouts": 8, "epochs": 1, "minibatches": 2},
    "tiny": {"n_layer": 1, "n_embd": 32, "n_head": 2, "vocab_size": 512},
}


def write_params(folder: Path, *changes: dict[str, Any]) -> None:
    """The shipped parameters, made small and changed, whatever stood there before."""
    shutil.copy(ROOT / "params.yaml", folder)
    for change in (SMALL, *changes):
        change_params(folder, change)


def change_params(folder: Path, change: dict[str, Any]) -> None:
    """Set some values of some sections, and single values outside sections, and leave the rest."""
    path = folder / "params.yaml"
    params = yaml.safe_load(path.read_text())
    for section, values in change.items():
        params[section] = params[section] | values if isinstance(values, dict) else values
    path.write_text(yaml.safe_dump(params))


def ingest_simulated(folder: Path, seed: int, pairs: int, demonstrations: int, **kinds: int) -> None:
    """Ingest simulated feedback into `folder`/data."""
    for file in write_feedback(folder / "files", seed, pairs, demonstrations, **kinds):
        ingest_file(file, folder / "data")
