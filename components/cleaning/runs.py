"""MLflow runs that may go: those that no version names and that are long over, and those that were deleted before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from components.cleaning.item import Item, Policy
from components.cleaning.keeping import Registry
from components.cleaning.versions import sizes_of_going
from components.tracking.lineage import read_lock
from components.tracking.packages import discard, size_of
from components.tracking.roles import has_roles
from components.tracking.run_metrics import KEY
from components.tracking.runs import pipeline_runs, purge_runs, stage_key
from components.tracking.tracker import Tracker, has_own_database, mlflow_errors

KIND = "MLflow runs"
_OVER = ("FINISHED", "FAILED", "KILLED")


def old_runs(registry: Registry, policy: Policy) -> Iterator[Item]:
    """Unfinished runs stay, and so do those behind a version that stays or behind the stages at hand."""
    tracker, needed, counted = registry.tracker, _needed(registry), sizes_of_going(registry)
    days = max(policy.params.runs_days, policy.params.grace_days)
    for run in pipeline_runs(tracker):
        over = run.info.status in _OVER and not policy.is_within(_ended(run), days)
        if over and run.info.run_id not in needed:
            yield _item(tracker, run, "older than retention.runs_days", counted.get(run.info.run_id, 0))
    purges = _may_purge(tracker)
    for run in deleted_runs(registry, policy):
        item = _item(tracker, run, "deleted or replaced before")
        if item.size or purges:
            yield item


def purge(registry: Registry, policy: Policy) -> None:
    """Remove what the workspace's own database has of deleted runs; another one's administrator runs `mlflow gc`."""
    gone = [run.info.run_id for run in deleted_runs(registry, policy)]
    if gone and _may_purge(registry.tracker):
        purge_runs(registry.tracker, gone)


def _may_purge(tracker: Tracker) -> bool:
    """Not past a server that asks who one is: its administrator may."""
    return has_own_database(tracker) and not has_roles(tracker)


def deleted_runs(registry: Registry, policy: Policy) -> Iterator[Any]:
    """Those that wait to be purged. One that a person deleted while a version has its files there stays."""
    needed = _needed(registry)
    for run in pipeline_runs(registry.tracker, deleted=True):
        if run.info.run_id not in needed and not policy.is_young(_ended(run)):
            yield run


def _ended(run: Any) -> float:
    return float(run.info.end_time or run.info.start_time) / 1000


def _item(tracker: Tracker, run: Any, why: str, counted: int = 0) -> Item:
    """counted: bytes of the run's files that other items tell of."""
    info = run.info

    def remove() -> None:
        with mlflow_errors():
            if info.lifecycle_stage != "deleted":
                tracker.client.delete_run(info.run_id)
            discard(tracker, info.run_id)

    size = max(0, size_of(tracker, info.run_id) - counted)
    return Item(KIND, f"{info.run_name} {info.run_id}", size, why, remove)


def _needed(registry: Registry) -> set[str]:
    """Of every version that stays, under whatever name, of the stages behind it, and of what dvc.lock tells of."""
    tracker = registry.tracker
    needed = {registry.versions[key].run_id for key in registry.stays} | {
        each.run for each in registry.foreign
    }
    for key in registry.stays:
        needed |= set((registry.lineage(registry.versions[key]).get("runs") or {}).values())
    if (tracker.root / "dvc.lock").exists():
        current = {stage_key(lock) for lock in read_lock(tracker.root).values()}
        needed |= {run.info.run_id for run in pipeline_runs(tracker) if run.data.tags.get(KEY) in current}
    return needed
