"""Closes runs whose process was killed: Prefect shows them as running for ever."""

from __future__ import annotations

import socket
from pathlib import Path

from prefect import get_client, runtime
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType
from prefect.states import Crashed


def workspace_tag(root: Path) -> str:
    """Marks the retrainings of this folder on this machine, of which one runs at a time."""
    return f"retrain:{socket.gethostname()}:{root.resolve()}"


def close_dead_runs(root: Path) -> None:
    """To be called with the workspace's lock held: then no other retraining of it can be alive."""
    mine = runtime.flow_run.id
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_run_filter=_running(workspace_tag(root))):
            if str(run.id) != str(mine):
                crashed = Crashed(message="its process ended without telling")
                client.set_flow_run_state(run.id, crashed, force=True)


def _running(tag: str) -> FlowRunFilter:
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING]))
    return FlowRunFilter(tags=FlowRunFilterTags(all_=[tag]), state=state)
