"""Runs that ask a reviewer: what the server's rule closed waits again, what failed is told to people.

A suspended run has no process to give a sign of life; the server knows by its event "Suspended". Prefect keeps events
in memory on their way to its rules, and drops them where its database is locked for long.
"""

from __future__ import annotations

from pathlib import Path

from prefect import State, get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.utilities.urls import url_for

from flows.approve import approve
from flows.dead_runs import closed_of_late
from flows.news.notify import notify
from flows.news.outbox import News
from flows.project import project_tag
from flows.up.zombies import SILENT


def reopen(root: Path) -> list[str]:
    """Let each such run of this folder wait for its answer again; their names."""
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=closed_of_late(project_tag(root), StateType.CRASHED))
        return [run.name for run in runs if _reopen(client, run)]


def tell_failed(root: Path) -> None:
    """Tell, once, of each that failed or was killed; after `reopen`, which finds some of them alive."""
    asked = FlowFilter(name=FlowFilterName(any_=[approve.name]))
    ended = closed_of_late(project_tag(root), StateType.CRASHED, StateType.FAILED)
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_filter=asked, flow_run_filter=ended):
            notify(root, _news(run))


def _news(run: FlowRun) -> News:
    # Not its message: what raised may quote the data at hand.
    why = f"Its page in Prefect says why: {url_for(run) or run.id}"
    body = f"{why}\n`rlhf status` says which version is champion; `rlhf ask CANDIDATE` asks again."
    return News("run_failed", str(run.id), f"{approve.name} of {run.name} failed", body)


def _reopen(client: SyncPrefectClient, run: FlowRun) -> bool:
    if not run.state or not (run.state.message or "").startswith(SILENT):
        return False
    before = _before_the_end(client, run)
    if before is None or not before.is_paused():
        return False
    # With its details: they name the form that the reviewer fills in, and until when it may be.
    waits = State(
        type=StateType.PAUSED, name=before.name, message=before.message, state_details=before.state_details
    )
    client.set_flow_run_state(run.id, waits, force=True)
    return True


def _before_the_end(client: SyncPrefectClient, run: FlowRun) -> State | None:
    states = sorted(client.read_flow_run_states(run.id), key=lambda state: state.timestamp)
    return states[-2] if len(states) > 1 else None
