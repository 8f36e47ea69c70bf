"""Where a stage runs: in the retraining's own process group, or on a worker of a Prefect work pool."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from components.config import load_params
from flows import dvc
from flows.display import StageRun


def run_placed(root: Path, stage: str, on_line: Callable[[str], None]) -> StageRun:
    """Bring a stage up to date where `resources` in params.yaml says. Errors: flows.dvc.repro, flows.pools."""
    pool = pool_of(root, stage)
    if pool is None:
        return dvc.repro(root, stage, on_line)
    # Prefect's runner comes with it: nothing that a retraining on one machine should load.
    from flows.pools import run_on_pool

    return run_on_pool(root, stage, pool, on_line)


def pool_of(root: Path, stage: str) -> str | None:
    """The work pool that runs a stage; None: this process does."""
    placed = {str(name): each for name, each in load_params(root / "params.yaml").resources.items()}
    return placed[stage].work_pool if stage in placed else None
