"""Where a stage runs: in the retraining's own process group, or on a worker of a Prefect work pool."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from components.config import load_params
from flows import dvc
from flows.display import StageRun


def check_places(root: Path) -> None:
    """Before the first stage. Raises RlhfError where `resources` names a work pool that Prefect does not have."""
    pools = set(_pools(root).values())
    if pools:
        from flows.workers.pools import check_pools

        check_pools(sorted(pools))


def run_placed(
    root: Path, stage: str, on_line: Callable[[str], None], on_start: Callable[[int], None]
) -> StageRun:
    """Bring a stage up to date where `resources` in params.yaml says. Errors: flows.dvc.repro, flows.workers.pools.

    Args:
        on_start: is given the number of its process, where that is of this machine.
    """
    pool = _pools(root).get(stage)
    if pool is None:
        return dvc.repro(root, stage, on_line, on_start)
    # Prefect's runner comes with it: nothing that a retraining on one machine should load.
    from flows.workers.pools import run_on_pool

    return run_on_pool(root, stage, pool, on_line)


def _pools(root: Path) -> dict[str, str]:
    """By stage, of those that do not run here."""
    placed = load_params(root / "params.yaml").resources
    return {stage: each.work_pool for stage, each in placed.items() if each.work_pool is not None}
