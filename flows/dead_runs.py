"""Runs whose process was killed: Prefect shows them as running for ever. They are closed, and people are told.

A run holds a lock on its record in .rlhf/runs while it lives. A lock that is free was held by a process that is gone.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from itertools import chain
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TextIO, TypeVar
from uuid import UUID

from prefect import get_client, runtime
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from components.locks import exclusive
from components.workspace import STATE
from flows.news.notify import notify
from flows.news.outbox import News, is_known

FOLDER = STATE / "runs"
#: A run has its record, whole, some moments after Prefect calls it running. One without is dead after so long.
GRACE_S = 60.0
#: At its end a run tries so long to tell Prefect: eight times (flows/environment.py), a minute each, with pauses.
ENDING_S = 660.0
#: Between Prefect's order and a run's beginning; `rlhf up` has a rule that is quicker (flows/up/zombies.py).
BEGINNING = timedelta(hours=1)
#: People may be told of what the server closed so long ago.
LATELY = timedelta(days=1)
WHY = "its process ended without telling"

Rest, Result = ParamSpec("Rest"), TypeVar("Result")
#: The run whose record this process holds already.
_recorded: ContextVar[str] = ContextVar("recorded", default="")


@dataclass(frozen=True)
class Dead:
    """A run that was closed: its id, its flow, its own name."""

    run: str
    flow: str
    name: str


def workspace_tag(root: Path) -> str:
    """Marks the runs of this folder on this machine."""
    return f"retrain:{socket.gethostname()}:{root.resolve()}"


def while_alive(work: Callable[Concatenate[Path, Rest], Result]) -> Callable[Concatenate[Path, Rest], Result]:
    """Of a flow whose first argument is the project's folder: it works with `alive`."""

    @wraps(work)
    def living(root: Path, *args: Rest.args, **kwargs: Rest.kwargs) -> Result:
        with alive(root):
            return work(root, *args, **kwargs)

    return living


@contextmanager
def alive(root: Path) -> Iterator[None]:
    """This flow run's process lives, for the block: whoever looks for dead runs lets it be."""
    run = str(runtime.flow_run.id or "")
    if run in ("", _recorded.get()):
        yield
        return
    about = {"flow": str(runtime.flow_run.flow_name), "name": str(runtime.flow_run.name)}
    token = _recorded.set(run)
    try:
        with exclusive(root / FOLDER / f"{run}.json") as record, _told_from_a_kill(record, about):
            yield
    finally:
        _recorded.reset(token)


@contextmanager
def _told_from_a_kill(record: TextIO, about: dict[str, Any]) -> Iterator[None]:
    """Whoever ends in the block, well or with an error, says so: Prefect is yet to be told of its last state."""
    _write(record, about)
    try:
        yield
    except Exception:
        # What it failed of may be the disk.
        with suppress(OSError):
            _write(record, about | {"ended": True})
        raise
    _write(record, about | {"ended": True})


def _write(record: TextIO, content: dict[str, Any]) -> None:
    record.truncate(0)
    json.dump(content, record)
    record.flush()


def close_dead_runs(root: Path) -> list[Dead]:
    """Close each run of this workspace whose process is gone, and tell people of it."""
    found = []
    with get_client(sync_client=True) as client:
        # Each is told before it is closed: whoever is killed in between finds it again, and tells nobody twice.
        for dead in chain(_left_behind(root, client), _without_record(root, client), _crashed(root, client)):
            _tell(root, dead)
            found.append(dead)
    return found


def _left_behind(root: Path, client: SyncPrefectClient) -> Iterator[Dead]:
    for path in sorted((root / FOLDER).glob("*.json")):
        record = _abandoned(path)
        if record is None:
            continue
        if _is_open(client, path.stem) or not record.get("ended"):
            yield Dead(path.stem, record.get("flow", ""), record.get("name", ""))
        _close(client, path.stem)
        path.unlink(missing_ok=True)


def _abandoned(path: Path) -> dict[str, Any] | None:
    """What a record says whose process is gone; None of one that lives, or is only just beginning or ending."""
    try:
        with exclusive(path, wait=False, create=False) as handle:
            text = handle.read()
            age = time.time() - path.stat().st_mtime
    except OSError:
        # It is held, gone, or another user's (somebody gave a command as root): not for this one to close.
        return None
    record = _parsed(text)
    grace = ENDING_S if record.get("ended") else 0.0 if text else GRACE_S
    if age < grace:
        return None
    # An empty one tells nothing: whether its run was killed before it wrote is for Prefect to say.
    return record if text else {"ended": True}


def _parsed(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _is_open(client: SyncPrefectClient, run: str) -> bool:
    """Whether Prefect thinks that the run goes on."""
    try:
        state = client.read_flow_run(UUID(run)).state
    except (ObjectNotFound, ValueError):
        # Of another server: an embedded one, where a lasting one is set now.
        return False
    return state is None or not state.is_final()


def _close(client: SyncPrefectClient, run: str) -> None:
    if _is_open(client, run):
        client.set_flow_run_state(UUID(run), Crashed(message=WHY), force=True)


def _without_record(root: Path, client: SyncPrefectClient) -> Iterator[Dead]:
    """Runs that were killed before they wrote their record."""
    for run in client.read_flow_runs(flow_run_filter=_begun(workspace_tag(root))):
        if _is_overdue(run) and str(run.id) != str(runtime.flow_run.id) and not _record(root, run).exists():
            yield Dead(str(run.id), _flow_name(client, run), run.name)
            _close(client, str(run.id))


def _crashed(root: Path, client: SyncPrefectClient) -> Iterator[Dead]:
    """Runs without a record that the server closed by itself: its rules were quicker (flows/up/zombies.py)."""
    for run in client.read_flow_runs(flow_run_filter=closed_of_late(workspace_tag(root), StateType.CRASHED)):
        if not _record(root, run).exists() and not is_known(root, "run_failed", str(run.id)):
            yield Dead(str(run.id), _flow_name(client, run), run.name)


def _record(root: Path, run: FlowRun) -> Path:
    return root / FOLDER / f"{run.id}.json"


def _flow_name(client: SyncPrefectClient, run: FlowRun) -> str:
    return client.read_flow(run.flow_id).name


def _begun(tag: str) -> FlowRunFilter:
    return FlowRunFilter(
        tags=FlowRunFilterTags(all_=[tag]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING])),
    )


def _is_overdue(run: FlowRun) -> bool:
    """Its record should be there; one that is yet to begin may have to wait for its machine."""
    is_pending = run.state is not None and run.state.type == StateType.PENDING
    since = run.state.timestamp if is_pending else run.start_time
    patience = BEGINNING if is_pending else timedelta(seconds=GRACE_S)
    return since is not None and datetime.now(UTC) - since > patience


def closed_of_late(tag: str, *states: StateType) -> FlowRunFilter:
    """Runs with this tag that ended in one of these states since people may still be told."""
    return FlowRunFilter(
        tags=FlowRunFilterTags(all_=[tag]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states))),
        end_time=FlowRunFilterEndTime(after_=datetime.now(UTC) - LATELY),
    )


def _tell(root: Path, dead: Dead) -> None:
    subject = f"{dead.flow or 'a run'} was killed"
    run = f"Run {dead.name or dead.run} of {dead.flow or 'a flow'}"
    body = f"{run} ended without telling: it was killed, or its machine went down.\n"
    what = "Nothing is lost: `rlhf retrain`, or the next scheduled run, goes on."
    notify(root, News("run_failed", dead.run, subject, f"{body}{what}"))
