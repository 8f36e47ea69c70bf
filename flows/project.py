"""Which project this is: several may share a Prefect server, and none may run in the folder of another."""

from __future__ import annotations

import uuid
from pathlib import Path

from prefect import runtime

from components.config import load_params
from components.errors import RlhfError
from components.files import write_text
from components.locks import exclusive
from components.workspace import STATE
from flows.environment import find_root, prepare_environment

_MARK = "project:"


def project_tag(root: Path) -> str:
    """What a deployment bears that this folder serves: a copy of the folder elsewhere, a new clone, has another."""
    path = root / STATE / "project"
    with exclusive(path.with_suffix(".lock")):
        if not path.exists():
            write_text(path, uuid.uuid4().hex[:12])
    return f"{_MARK}{path.read_text(encoding='utf-8').strip()}"


def registry_tag(root: Path) -> str:
    """What every run of this project bears, wherever it runs: prefect.yaml can name it, too."""
    return f"registry:{load_params(root / 'params.yaml').registry.name}"


def other_project(root: Path, tags: list[str]) -> str | None:
    """The tag of another project among these."""
    mine = project_tag(root)
    return next((tag for tag in tags if tag.startswith(_MARK) and tag != mine), None)


def own_project() -> Path:
    """The folder in which a deployed run works: that of `rlhf serve`, or of the worker's pull step.

    Raises:
        RlhfError: the run was meant for another project.
        ConfigError: this is no project's folder.
    """
    root = find_root(Path.cwd())
    prepare_environment(root)
    other = other_project(root, list(runtime.flow_run.tags or []))
    if other is not None:
        raise RlhfError(
            f"this run is for {other}, and {root} is {project_tag(root)}",
            "give each project its own registry.name in params.yaml, and start `rlhf serve` again in both",
        )
    return root
