"""Flow `stage`: one stage of dvc.yaml, run by a worker of the work pool that params.yaml names for it."""

from __future__ import annotations

from pathlib import Path

from prefect import State, flow, get_run_logger

from components.errors import ConfigError
from flows import dvc
from flows.graph import stage_order
from flows.outcomes import completed, ended
from flows.project import own_project
from flows.watching import keeping_steps

#: By what a stage's run says, what the state of its flow is called.
STATES = {"ran": "Ran", "up to date": "UpToDate", "restored": "Restored"}


@flow(name="stage")
def stage(name: str) -> State[None]:
    """`dvc repro` of one stage, in the project's folder as this machine sees it."""
    root = own_project()
    return ended(root, lambda: _run(root, name), told_by_caller=True)


def _run(root: Path, name: str) -> State[None]:
    if name not in stage_order(root):
        raise ConfigError(f"dvc.yaml has no stage {name!r}", "the folders of worker and retraining differ")
    logger = get_run_logger()
    # The retraining that waits for it watches its steps.
    with keeping_steps(root):
        run = dvc.repro(root, name, lambda line: logger.info("%s", line))
    return completed(STATES[run.status], f"{name}: {run.status} ({run.seconds:.1f} s)")
