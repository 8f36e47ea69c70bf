"""What a Prefect server may start in this project, and when: the deployments that `rlhf serve` registers and runs.

`prefect.yaml` says the same for work pools; tests/flows/test_deployments.py holds one against the other.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from prefect import get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import EntrypointType, RunnerDeployment
from prefect.events import DeploymentEventTrigger
from prefect.exceptions import ObjectNotFound, TerminationSignal
from prefect.runner import Runner
from prefect.schedules import Cron, Interval

from components.config import Params, load_params
from components.errors import ConfigError, RlhfError
from flows.approve import approve
from flows.dead_runs import workspace_tag
from flows.ingest import REGISTRY
from flows.project import other_project, project_tag, registry_tag
from flows.scheduled import health, ingest_inbox, reconcile, retrain
from flows.up.signs import SIGN, showing

ACCEPTED = "feedback.batch.accepted"


def serve_deployments(root: Path) -> None:
    """Register the deployments, and run what is asked of them until a signal ends this process.

    Raises:
        ConfigError: a schedule is none.
        RlhfError: another project on the server has the same names.
    """
    found = deployments(root)
    for each in found:
        _refuse_foreign(root, each)
    # As `prefect.serve`, which keeps to itself when it last asked the server for work.
    runner = Runner(limit=None)
    for each in found:
        runner.add_deployment(each)
    with suppress(KeyboardInterrupt, TerminationSignal), showing(root / SIGN, lambda: runner.last_polled):
        asyncio.run(runner.start())


def deployments(root: Path) -> list[RunnerDeployment]:
    """All of them, each named by the registry: several projects may share a server.

    Raises:
        ConfigError: a schedule is none.
    """
    params = load_params(root / "params.yaml")
    tags = [project_tag(root), registry_tag(root)]
    try:
        return [
            *(
                _deployment(flow, params, tags=[*tags, workspace_tag(root)], **options)
                for flow, options in _served(params)
            ),
            # Suspended it has no process, so that no missing process makes it a dead run.
            _deployment(approve, params, tags=tags),
        ]
    except ValueError as error:
        raise ConfigError(
            f"params.yaml: schedule: {error}", "mend the cron expression or the time zone"
        ) from None


def _served(params: Params) -> list[tuple[Any, dict[str, Any]]]:
    """Each flow with what starts it, and how many runs there may be at a time."""
    plan = params.schedule
    return [
        (ingest_inbox, {"schedule": _every(plan.inbox_seconds), "concurrency_limit": _at_most(1)}),
        (
            retrain,
            {
                # The lock of the workspace lets one work. The second is let in to say so, and who works; no third.
                "concurrency_limit": _at_most(2),
                "schedule": _cron(plan.retrain_cron, plan.time_zone) if plan.retrain_cron else None,
                "parameters": {"only_if_due": False},
                "triggers": [_on_accepted(params)],
            },
        ),
        (reconcile, {"schedule": _every(plan.reconcile_seconds), "concurrency_limit": _at_most(1)}),
        (health, {"schedule": _cron(plan.health_cron, plan.time_zone), "concurrency_limit": _at_most(1)}),
    ]


def _deployment(flow: Any, params: Params, **options: Any) -> RunnerDeployment:
    found: RunnerDeployment = flow.to_deployment(
        params.registry.name, entrypoint_type=EntrypointType.MODULE_PATH, **options
    )
    return found


def _on_accepted(params: Params) -> DeploymentEventTrigger:
    return DeploymentEventTrigger(
        name=f"retrain {params.registry.name} when feedback was accepted",
        enabled=params.schedule.retrain_on_feedback,
        expect={ACCEPTED},
        match={"prefect.resource.id": "rlhf.feedback.*", REGISTRY: params.registry.name},
        parameters={"only_if_due": True},
    )


def _at_most(runs: int) -> ConcurrencyLimitConfig:
    """More are not kept waiting: a later run does what they would have done."""
    return ConcurrencyLimitConfig(limit=runs, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)


def _every(seconds: int) -> Any:
    return Interval(timedelta(seconds=seconds))


def _cron(expression: str, time_zone: str) -> Any:
    return Cron(expression, timezone=time_zone)


def _refuse_foreign(root: Path, deployment: RunnerDeployment) -> None:
    name = f"{deployment.flow_name}/{deployment.name}"
    with get_client(sync_client=True) as client:
        try:
            there = client.read_deployment_by_name(name)
        except ObjectNotFound:
            return
    other = other_project(root, there.tags)
    if other is not None:
        raise RlhfError(
            f"the Prefect server has a deployment {name} of another project ({other}; this is {project_tag(root)})",
            "set another registry.name in params.yaml; or, if that project is gone or was moved here, "
            f"`prefect deployment delete {name}`",
        )
