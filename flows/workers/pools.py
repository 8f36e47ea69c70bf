"""A stage on a worker of a Prefect work pool, waited for.

The worker works in the project's folder, under the same path: on this machine, or on one that mounts it (NFS, a volume
of Kubernetes). What a stage reads and writes lies there, and DVC's locks with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelling
from prefect.utilities.callables import parameter_schema

from components.config import load_params
from components.errors import BusyError, RlhfError, StageFailedError, StoppedError
from flows import dvc, outcomes
from flows.display import StageRun
from flows.environment import HEARTBEAT_S
from flows.project import project_tag
from flows.stage_errors import GOES_ON
from flows.workers.stage_run import STATES, stage

POLL_S = 2.0
#: A run that no worker has taken by then is given up: nobody works for its pool.
UNTAKEN_S = 900.0
#: What a worker gets to end a cancelled stage, which may write a checkpoint first.
CANCEL_S = 60.0
#: In Prefect's words: its worker's machine was told to end, and the stage with it.
_SIGNALLED = "aborted by a termination signal"
_OPEN = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]


def check_pools(pools: Iterable[str]) -> None:
    """Before anything runs. Raises RlhfError where the server has no such work pool."""
    with get_client(sync_client=True) as client:
        for pool in pools:
            try:
                client.read_work_pool(pool)
            except ObjectNotFound:
                raise RlhfError(
                    f"Prefect has no work pool {pool!r}, which params.yaml names under resources",
                    "on the server that PREFECT_API_URL names: "
                    f"`prefect work-pool create {pool} --type process`, then `prefect worker start --pool {pool}`",
                ) from None


def run_on_pool(root: Path, name: str, pool: str, on_line: Callable[[str], None]) -> StageRun:
    """Have a worker bring a stage up to date.

    Raises:
        StageFailedError: it ended with an error.
        StoppedError: it was told to end there, and goes on when it is run again.
        BusyError: another process runs it.
        RlhfError: nobody works for the pool, or its worker does not share this folder.
    """
    start = time.monotonic()
    with get_client(sync_client=True) as client:
        deployment = _register(client, root, pool)
        run = _open_run(client, _tags(root, name)) or _begin(root, name, deployment)
        on_line(f"stage {name} runs on work pool {pool}: run {run.name}")
        try:
            run = _await(client, run, pool)
        except BaseException:
            # Whoever ends this run ends what it waits for.
            _cancel(client, run)
            raise
    status = _status_of(name, run)
    _refuse_elsewhere(root, name, pool)
    return StageRun(name, status, time.monotonic() - start)


def _register(client: SyncPrefectClient, root: Path, pool: str) -> str:
    """The deployment `stage/<registry>-<pool>`, made or brought up to date."""
    name = f"{load_params(root / 'params.yaml').registry.name}-{pool}"
    client.create_deployment(
        flow_id=client.create_flow_from_name(stage.name),
        name=name,
        description="One stage of a retraining.",
        work_pool_name=pool,
        path=str(root),
        entrypoint=f"{stage.fn.__module__}.{stage.fn.__name__}",
        pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": str(root.resolve())}}],
        tags=[project_tag(root)],
        # A worker elsewhere has Prefect's own 180 s, which the rules of flows/up/zombies.py take for death.
        job_variables={"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S)}},
        parameter_openapi_schema=parameter_schema(stage.fn).model_dump_for_openapi(),
        enforce_parameter_schema=True,
    )
    return f"{stage.name}/{name}"


def _tags(root: Path, name: str) -> list[str]:
    return [project_tag(root), f"stage:{name}"]


def _open_run(client: SyncPrefectClient, tags: list[str]) -> FlowRun | None:
    """The run of a retraining that was killed while it waited: it is waited for again."""
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=_OPEN))
    found = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=tags), state=state)
    )
    return found[0] if found else None


def _begin(root: Path, name: str, deployment: str) -> FlowRun:
    found: FlowRun = run_deployment(
        deployment, parameters={"name": name}, flow_run_name=name, tags=_tags(root, name), timeout=0
    )
    return found


def _await(client: SyncPrefectClient, run: FlowRun, pool: str) -> FlowRun:
    deadline = time.monotonic() + UNTAKEN_S
    while run.state is None or not run.state.is_final():
        if run.state_type == StateType.SCHEDULED and time.monotonic() > deadline:
            raise RlhfError(
                f"no worker of pool {pool} has taken the stage in {UNTAKEN_S / 60:.0f} minutes",
                f"`prefect worker start --pool {pool}` on the machine that is to run it",
            )
        time.sleep(POLL_S)
        run = client.read_flow_run(run.id)
    return run


def _cancel(client: SyncPrefectClient, run: FlowRun) -> None:
    state = client.read_flow_run(run.id).state
    if state is not None and state.is_final():
        return
    client.set_flow_run_state(run.id, Cancelling(message="the retraining that waited for it was ended"))
    deadline = time.monotonic() + CANCEL_S
    while time.monotonic() < deadline:
        state = client.read_flow_run(run.id).state
        if state is not None and state.is_final():
            return
        time.sleep(0.5)


def _status_of(name: str, run: FlowRun) -> str:
    """What the worker says of the stage.

    Raises:
        StageFailedError, BusyError, StoppedError: with the reason that it gave.
    """
    state = run.state
    said = {state_name: status for status, state_name in STATES.items()}
    if state is not None and state.is_completed():
        return said.get(state.name, "ran")
    raise _error(name, run)


def _error(name: str, run: FlowRun) -> RlhfError:
    state, said = run.state, (run.state.message if run.state else "") or "it did not say why"
    message, _, remedy = said.partition(". Remedy: ")
    if state is not None and state.name == "Busy":
        return BusyError(message, remedy)
    if state is not None and state.name == outcomes.STOPPED:
        return StoppedError(message, remedy)
    if _SIGNALLED in message:
        return StoppedError(f"stage {name} stopped: its worker was told to end", GOES_ON)
    told = message if message.startswith(f"stage {name} failed") else f"stage {name} failed: {message}"
    return StageFailedError(told, remedy or f"the log of run {run.name} in Prefect says more")


def _refuse_elsewhere(root: Path, name: str, pool: str) -> None:
    """Raises RlhfError where the worker says that all went well, and this folder does not show it."""
    if name in dvc.stale(root):
        raise RlhfError(
            f"stage {name} ran on pool {pool}, but what it wrote is not in {root}",
            "let the worker's machine mount this folder, under the same path",
        )
