"""Retrainings that are owed: for batches that no run has decided on, and in place of one whose process was killed.

An event starts a run once. It is spent where that run finds another one at work, fails before it has decided, or is
killed; and a batch whose ingestion was killed never had one. So each run writes down what it decided on and that it is
at work (flows/ledger.py), and the deployment `reconcile` looks every minute at what is left.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

from components.config import load_params
from components.feedback.store import FEEDBACK, stamps
from components.locks import is_held
from flows.ledger import Ledger, ledger, read_ledger
from flows.locks import RETRAINING

FLOW = "retrain"
#: A batch's own event has started a run by then.
SETTLED_S = 300.0
#: The same is asked for again after so long: whatever failed may last, and each failure is told to people.
AGAIN_S = 3600.0
#: What is asked for in place of a killed run, whichever: one that is killed again and again waits its hour, too.
KILLED = "killed"
#: What Prefect says of the runs of a `rlhf serve` that is told to end; what people cancel bears other words.
_SHUT_DOWN = "Runner is shutting down."


def batches(root: Path) -> set[str]:
    """Names of the batches in data/feedback. Without reading one: this is asked every minute, of thousands."""
    return set(stamps(root / "data" / FEEDBACK))


def start_owed(root: Path) -> str:
    """Start the retraining that is owed, where nothing retrains; returns why, or "" where none was started."""
    if is_held(root / RETRAINING):
        return ""
    known = read_ledger(root)
    with get_client(sync_client=True) as client:
        if not _is_idle(client, root):
            return ""
        killed = _killed(client, known)
    wanted = [KILLED] if killed else _undecided(root, known)
    if not wanted or (wanted == known.asked and time.time() - known.asked_at < AGAIN_S):
        return ""
    # Not with the ledger held: a run that begins would wait for Prefect's answer.
    # The killed one had decided, and its candidate may be registered with nobody told: that is no question of new rows.
    run = _start(root, {"only_if_due": killed is None})
    _remember(root, known.at_work, wanted, str(run.id) if killed else "")
    why = f"in place of {killed.name}, which was killed" if killed else f"for {', '.join(wanted)}"
    return f"a retraining was started {why}"


def _remember(root: Path, seen_at_work: str, wanted: list[str], started: str) -> None:
    """`started`: the run in place of a killed one, which may be killed before it says that it is at work."""
    with ledger(root) as known:
        known.asked, known.asked_at = wanted, time.time()
        if known.at_work == seen_at_work:
            known.at_work = started


def _start(root: Path, parameters: dict[str, Any]) -> FlowRun:
    run: Any = run_deployment(_name(root), parameters=parameters, timeout=0, as_subflow=False)
    return cast(FlowRun, run)


def _killed(client: SyncPrefectClient, known: Ledger) -> FlowRun | None:
    """The run that was killed at its work. One that a person has cancelled stays ended."""
    if not known.at_work:
        return None
    try:
        run: FlowRun = client.read_flow_run(UUID(known.at_work))
    except (ObjectNotFound, ValueError):
        run = None
    if run is not None and run.state is not None and _was_killed(run.state.type, run.state.message):
        return run
    return None


def _was_killed(state: StateType, message: str | None) -> bool:
    # Failed: its stage was told to end, by somebody who ended no run.
    return state in (StateType.CRASHED, StateType.FAILED) or (
        state == StateType.CANCELLED and message == _SHUT_DOWN
    )


def _undecided(root: Path, known: Ledger) -> list[str]:
    """Accepted batches that no run has decided on, and that have been there for a while."""
    if not load_params(root / "params.yaml").schedule.retrain_on_feedback:
        return []
    new = batches(root) - set(known.decided)
    return sorted(new) if all(_is_settled(root / "data" / FEEDBACK / name) for name in new) else []


def _is_settled(batch: Path) -> bool:
    try:
        return time.time() - batch.stat().st_mtime > SETTLED_S
    except FileNotFoundError:
        return True


def _is_idle(client: SyncPrefectClient, root: Path) -> bool:
    """Whether there is such a deployment, and no run of it that has begun: not one that waits for its hour."""
    try:
        deployment: Any = client.read_deployment_by_name(_name(root))
    except ObjectNotFound:
        return False
    begun = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
    found = client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id])),
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=begun))),
        limit=1,
    )
    return not found


def _name(root: Path) -> str:
    return f"{FLOW}/{load_params(root / 'params.yaml').registry.name}"
