"""One MLflow run for each execution of a stage, made from the files that the stage left behind."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.tracking import live
from components.tracking.lineage import StageLock, git_commit, read_lock
from components.tracking.run_metrics import KEY, METRICS_AT_ONCE, STAGE, metrics_of
from components.tracking.tracker import Tracker, artifact_location, embedded_uri, mlflow_errors

#: MLflow takes at most this many in one request.
PARAMS_AT_ONCE = 100

#: What of a stage's files belongs to its run, beside its figures.
ARTIFACTS = {
    "evaluate": (
        "report.html",
        "report.md",
        "report.json",
        "model_card.md",
        "gates.json",
        "metrics.json",
        "samples.jsonl",
    )
}


def record_stage(tracker: Tracker, stage: str, prefect_run: str = "") -> str:
    """The id of the run that tells of the stage's last execution; made unless it exists.

    The key is the stage's entry in dvc.lock. A run that a killed process left half-written is replaced; one that told
    live of this execution is taken over.

    Raises:
        RegistryError: the stage has not run, or MLflow cannot be reached.
    """
    lock = read_lock(tracker.root)[stage]
    key = stage_key(lock)
    with mlflow_errors():
        run = finished_run(tracker, key)
        run = run or _taken_over(tracker, lock, key, prefect_run) or _record(tracker, lock, key, prefect_run)
        live.close(tracker, stage)
        return run


def stage_key(lock: StageLock) -> str:
    """What tells a run of one execution of a stage from those of others."""
    return f"{lock.name}-{lock.digest}"


def finished_run(tracker: Tracker, key: str) -> str | None:
    """Id of the finished run with this key. Unfinished ones with the same key are deleted."""
    found = tracker.client.search_runs([tracker.experiment], filter_string=f"tags.`{KEY}` = '{key}'")
    for run in found:
        if run.info.status != "FINISHED":
            tracker.client.delete_run(run.info.run_id)
    return next((run.info.run_id for run in found if run.info.status == "FINISHED"), None)


def pipeline_runs(tracker: Tracker, *, deleted: bool = False) -> Iterator[Any]:
    """The pipeline's own runs, the newest first; what people keep in the same experiment is theirs.

    Args:
        deleted: those that MLflow shows no more, instead.
    """
    from mlflow.entities import ViewType

    view, token = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY, None
    while True:
        page = tracker.client.search_runs([tracker.experiment], "", view, page_token=token)
        yield from (run for run in page if KEY in run.data.tags or STAGE in run.data.tags)
        token = page.token
        if not token:
            return


def purge_runs(tracker: Tracker, runs: Sequence[str]) -> None:
    """Remove deleted runs from the workspace's own database, for good; a server may be at work on it meanwhile.

    Not by `mlflow gc`: it takes along every experiment and logged model that people have deleted, and may want back.

    Raises:
        RegistryError: the database refuses.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with mlflow_errors():
        store = SqlAlchemyStore(embedded_uri(tracker.root), artifact_location(tracker.root))
        for run in runs:
            store._hard_delete_run(run)


@contextmanager
def new_run(tracker: Tracker, name: str, tags: Mapping[str, str]) -> Iterator[str]:
    """Yield the id of a run that is FINISHED when the block ends, FAILED when it ends badly.

    Where MLflow cannot even take that, the next one with the same key replaces it.
    """
    from mlflow.exceptions import MlflowException

    run = tracker.client.create_run(tracker.experiment, run_name=name, tags=dict(tags)).info.run_id
    try:
        yield run
    except BaseException as error:
        if not isinstance(error, MlflowException):
            tracker.client.set_terminated(run, "FAILED")
        raise
    tracker.client.set_terminated(run, "FINISHED")


def _record(tracker: Tracker, lock: StageLock, key: str, prefect_run: str) -> str:
    with new_run(tracker, lock.name, _tags(tracker.root, lock, key, prefect_run)) as run:
        _log(tracker, run, lock, list(metrics_of(tracker.root, lock.name)))
    return run


def _taken_over(tracker: Tracker, lock: StageLock, key: str, prefect_run: str) -> str | None:
    """The run that told live of this execution, with what is still missing in it; None where there is none."""
    found = live.told_of(tracker, lock.name, list(metrics_of(tracker.root, lock.name)))
    if found is None:
        return None
    _log(tracker, found.run, lock, found.missing)
    live.forget_reason(tracker, found.run)
    # The key last: a process that dies before leaves a run that can be taken over again.
    tags = _tags(tracker.root, lock, key, prefect_run)
    for name, value in [*((name, tags[name]) for name in tags if name != KEY), (KEY, key)]:
        tracker.client.set_tag(found.run, name, value)
    tracker.client.set_terminated(found.run, "FINISHED")
    return found.run


def _log(tracker: Tracker, run: str, lock: StageLock, metrics: Sequence[tuple[str, float, int]]) -> None:
    _log_params(tracker, run, lock.params)
    _log_metrics(tracker, run, metrics)
    _log_datasets(tracker, run, lock)
    _log_artifacts(tracker, run, lock.name)


def _tags(root: Path, lock: StageLock, key: str, prefect_run: str) -> dict[str, str]:
    tags = {
        KEY: key,
        STAGE: lock.name,
        "git_commit": git_commit(root),
        "prefect_run": prefect_run,
    }
    return tags | {f"dvc.{path}": md5 for path, md5 in lock.outs.items()}


def _log_params(tracker: Tracker, run: str, params: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    rows = [Param(key, str(value)) for key, value in params.items()]
    for part in _parts(rows, PARAMS_AT_ONCE):
        tracker.client.log_batch(run, params=part)


def _log_metrics(tracker: Tracker, run: str, metrics: Sequence[tuple[str, float, int]]) -> None:
    """Metrics as (name, value, step), in few requests: one a step costs 20 ms each."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    rows = [Metric(name, value, now, step) for name, value, step in metrics]
    for part in _parts(rows, METRICS_AT_ONCE):
        tracker.client.log_batch(run, metrics=part)


def _parts(rows: list[Any], size: int) -> Iterator[list[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _log_datasets(tracker: Tracker, run: str, lock: StageLock) -> None:
    """What the stage read below data/, with DVC's md5 as its digest."""
    from mlflow.entities import Dataset, DatasetInput

    read = {path: md5 for path, md5 in lock.deps.items() if path.startswith("data/")}
    inputs = [DatasetInput(Dataset(path, md5, "local", path)) for path, md5 in read.items()]
    if inputs:
        tracker.client.log_inputs(run, inputs)


def _log_artifacts(tracker: Tracker, run: str, stage: str) -> None:
    for name in ARTIFACTS.get(stage, ()):
        path = tracker.root / "reports" / name
        if path.exists():
            tracker.client.log_artifact(run, str(path), "report")
