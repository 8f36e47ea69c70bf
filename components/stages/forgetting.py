"""When a stage's checkpoints go: once what it wrote is kept elsewhere."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import yaml

from components.stages.paths import CHECKPOINTS, SNAPSHOTS

#: Where the code that runs lies, whatever the folder it runs in.
SOURCES = Path(__file__).parents[2]
GRAPH = Path("dvc.yaml")
#: Among the checkpoints of a run: its outputs are written.
WRITTEN = "written"


def run_by_dvc() -> bool:
    """Whether DVC runs this stage, and will put its outputs into the cache."""
    return "DVC_STAGE" in os.environ


def after_outputs(stage: str) -> None:
    """The stage has written its outputs: nobody goes on from its checkpoints, unless DVC dies before it keeps them."""
    if not run_by_dvc():
        forget(stage)
        return
    for run in (CHECKPOINTS / stage).glob("*/"):
        (run / WRITTEN).touch()


def before_stage(stage: str) -> None:
    """DVC starts a stage when it has kept the outputs of those before it: their checkpoints may go.

    `dvc repro --single-item` starts it beside an earlier one that was told to end, too: the checkpoints of that stay.
    """
    if run_by_dvc():
        for each in _stages_before(stage):
            if all((run / WRITTEN).exists() for run in (CHECKPOINTS / each).glob("*/")):
                forget(each)


def forget(stage: str) -> None:
    for home in (CHECKPOINTS, SNAPSHOTS):
        shutil.rmtree(home / stage, ignore_errors=True)


def graph() -> dict[str, Any]:
    """The stages of dvc.yaml: of the workspace, or of the code."""
    path = GRAPH if GRAPH.is_file() else SOURCES / GRAPH
    stages: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["stages"]
    return stages


def _stages_before(stage: str) -> list[str]:
    stages = graph()
    read = set(stages[stage]["deps"]) if stage in stages else set()
    return [name for name, each in stages.items() if read & set(map(_path, each.get("outs", [])))]


def _path(out: str | dict[str, Any]) -> str:
    return out if isinstance(out, str) else next(iter(out))
