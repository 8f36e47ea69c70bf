"""Where a stage's checkpoints lie: in a folder whose name changes with everything that the stage depends on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
import transformers
import yaml

from components.config import CheckpointParams
from components.errors import DataError
from components.files import digest_of, digest_tree, sha256_bytes, sha256_file
from components.modeling.device import computes_in_bfloat16
from components.stages import forgetting
from components.stages.ending import told_to_end
from components.stages.paths import CHECKPOINTS, SNAPSHOTS
from components.training.checkpoints import Checkpoints
from components.training.snapshots import Snapshots
from components.training.workers import Workers


def checkpoints_for(stage: str, params: CheckpointParams, team: Workers) -> Checkpoints:
    """The checkpoints of this run of `stage` in the processes of `team`; those of runs with other inputs are swept."""
    folder = _folder_of_run(CHECKPOINTS / stage, stage)
    (folder / forgetting.WRITTEN).unlink(missing_ok=True)
    return Checkpoints(folder, params.seconds, told_to_end=told_to_end, team=team)


def snapshots_for(stage: str, iterations: Collection[int], writes: bool) -> Snapshots:
    """The snapshots of this run of `stage`, which it still has where it goes on from a checkpoint."""
    return Snapshots(_folder_of_run(SNAPSHOTS / stage, stage), iterations, writes)


def _folder_of_run(home: Path, stage: str) -> Path:
    folder = home / key_of(stage)
    for other in home.glob("*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return folder


def key_of(stage: str) -> str:
    """What a run's checkpoints depend on: the stage's inputs, then libraries and precision, which machines differ in.

    Raises:
        DataError: an input is missing.
    """
    params = _load(Path("params.yaml"))
    parts = {"torch": torch.__version__, "transformers": transformers.__version__}
    if "train" in forgetting.graph()[stage]["params"]:
        parts["precision"] = _precision(params["train"])
    return f"{inputs_of(stage)}-{digest_of(parts)[:8]}"


def inputs_of(stage: str) -> str:
    """A digest of the stage's code, inputs and parameters, as dvc.yaml names them.

    Raises:
        DataError: an input is missing.
    """
    declared = forgetting.graph()[stage]
    params = _load(Path("params.yaml"))
    parts = {path: _digest(_located(path)) for path in declared["deps"]}
    parts |= {name: sha256_bytes(json.dumps(params[name]).encode()) for name in declared["params"]}
    parts |= {base: _digest(Path(base)) for base in _bases([params[name] for name in declared["params"]])}
    return digest_of(parts)[:16]


def _precision(train: dict[str, Any]) -> str:
    """That of params.yaml; what "auto" comes to depends on the machine."""
    automatic = "bf16" if computes_in_bfloat16() else "fp32"
    return automatic if train["precision"] == "auto" else str(train["precision"])


def _bases(sections: list[Any]) -> list[str]:
    """The folders of base models: inputs too, although the graph cannot name them."""
    named = [section["base"] for section in sections if isinstance(section, dict) and "base" in section]
    return [base for base in named if Path(base).is_dir()]


def _located(path: str) -> Path:
    return forgetting.SOURCES / path if path.startswith("components/") else Path(path)


def _digest(path: Path) -> str:
    if not path.exists():
        raise DataError(f"{path} not found", "run the stage that writes it: `dvc repro`")
    return digest_of(digest_tree(path)) if path.is_dir() else sha256_file(path)


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
