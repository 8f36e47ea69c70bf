"""Closes runs whose process was killed: Prefect shows them as running for ever."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect import get_client, runtime, tags
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType
from prefect.states import Crashed

from components.locks import exclusive, is_held
from components.workspace import STATE

_MARK = "process:"


def workspace_tag(root: Path) -> str:
    """Marks the retrainings of this folder on this machine, of which one runs at a time."""
    return f"retrain:{socket.gethostname()}:{root.resolve()}"


@contextmanager
def marked_alive(root: Path) -> Iterator[None]:
    """Close what dead processes of this workspace left running; mark the runs of the block as this process's.

    The mark is a lock file: it falls with the process, whatever number that had and whatever the clock says.
    """
    home = root / STATE / "alive"
    _close_all_of_the_dead(home)
    name = uuid.uuid4().hex
    with exclusive(home / f"{name}.lock"), tags(f"{_MARK}{name}"):
        yield
    (home / f"{name}.lock").unlink(missing_ok=True)


def close_dead_runs(root: Path) -> None:
    """To be called with the workspace's lock held: then no other retraining of it can be alive."""
    _close(workspace_tag(root))


def _close_all_of_the_dead(home: Path) -> None:
    for lock in home.glob("*.lock"):
        if not is_held(lock):
            _close(f"{_MARK}{lock.stem}")
            lock.unlink(missing_ok=True)


def _close(tag: str) -> None:
    mine = runtime.flow_run.id
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_run_filter=_running(tag)):
            if str(run.id) != str(mine):
                crashed = Crashed(message="its process ended without telling")
                client.set_flow_run_state(run.id, crashed, force=True)


def _running(tag: str) -> FlowRunFilter:
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING]))
    return FlowRunFilter(tags=FlowRunFilterTags(all_=[tag]), state=state)
