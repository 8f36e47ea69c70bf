"""How a reviewer is asked about a candidate: a run of the deployment `approve`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from prefect import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.utilities.urls import url_for

from components.config import load_params
from components.errors import RlhfError
from components.tracking.reviewing import is_decided, look_at_candidate
from components.tracking.tracker import connect
from flows.approve import approve

#: States of a run that a reviewer can still answer, or that is on its way there.
_OPEN = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING, StateType.PAUSED]


@dataclass(frozen=True)
class Asked:
    """The run that waits for a reviewer, and whether this call made it."""

    run: str
    url: str
    is_new: bool


def ask(root: Path, version: str) -> Asked:
    """Have a reviewer asked about a candidate, unless a run asks already.

    Raises:
        PromotionRefusedError: there is nothing to decide: components.tracking.reviewing.
        RlhfError: nothing serves the deployment.
        RegistryError: there is no such version, or MLflow cannot be reached.
    """
    digest = look_at_candidate(connect(root), version).digest
    known = _open_run(root, digest)
    run = known or _start(root, version, digest, once=False)
    if run is None:
        raise RlhfError(
            f"Prefect knows no deployment {_full_name(root)}",
            "run `rlhf serve` on the machine that holds this project",
        )
    return Asked(str(run.id), _url(run), is_new=known is None)


def ask_once(root: Path, version: str) -> str | None:
    """Ask after a retraining; returns the run's page, or None where nobody ever served the deployment here.

    A candidate that was asked about before is not asked about again, whatever the answer was; nor one that was decided
    on, though Prefect forgets its runs.
    """
    tracker = connect(root)
    digest = look_at_candidate(tracker, version).digest
    run = None if is_decided(tracker, version) else _start(root, version, digest, once=True)
    return _url(run) if run else None


def _start(root: Path, version: str, digest: str, *, once: bool) -> FlowRun | None:
    try:
        return run_deployment(
            _full_name(root),
            parameters={"candidate": int(version)},
            flow_run_name=f"candidate {version}",
            tags=[digest],
            idempotency_key=digest if once else None,
            timeout=0,
            as_subflow=False,
        )
    except ObjectNotFound:
        return None


def _open_run(root: Path, digest: str) -> FlowRun | None:
    with get_client(sync_client=True) as client:
        try:
            deployment = client.read_deployment_by_name(_full_name(root))
        except ObjectNotFound:
            return None
        state = FlowRunFilterState(type=FlowRunFilterStateType(any_=_OPEN))
        runs = client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id])),
            flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[digest]), state=state),
        )
    return runs[0] if runs else None


def _name(root: Path) -> str:
    return load_params(root / "params.yaml").registry.name


def _full_name(root: Path) -> str:
    return f"{approve.name}/{_name(root)}"


def _url(run: FlowRun) -> str:
    return url_for(run) or str(run.id)
