"""Flow `reconcile`: what reviewers approved in MLflow's UI is carried out and shown on a run's page."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from prefect import flow, get_run_logger

from components.tracking import reconciling
from components.tracking.reconciling import Outcome
from components.tracking.tracker import connect
from flows.artifacts import show_table
from flows.dead_runs import while_alive


@flow(name="reconcile")
@while_alive
def reconcile(root: Path) -> list[Outcome]:
    """One pass. Errors: components.tracking.reconciling."""
    outcomes = reconciling.reconcile(connect(root))
    show_outcomes(outcomes)
    return outcomes


def show_outcomes(outcomes: list[Outcome]) -> None:
    """On the page of the run at hand."""
    for each in outcomes:
        get_run_logger().info("candidate %s: %s", each.candidate, each.reason)
    # What is left for another login is found at every look: one page a minute would hide the others.
    done = [asdict(each) for each in outcomes if not each.is_left]
    if done:
        show_table(done, "approvals")
