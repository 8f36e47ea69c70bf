"""One MLflow run for each execution of a stage, made from the files that the stage left behind."""

from __future__ import annotations

import csv
import math
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.files import read_json, sha256_bytes
from components.tracking.lineage import StageLock, flatten, git_commit, read_lock
from components.tracking.tracker import Tracker, mlflow_errors

#: MLflow takes at most this many in one request.
METRICS_AT_ONCE = 1000
PARAMS_AT_ONCE = 100
#: Characters that a metric's name may not have; a slash would make a path of it.
_REFUSED = re.compile(r"[^\w.\- :]")
LONGEST_NAME = 250

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

    The key is the stage's entry in dvc.lock. A run that a killed process left half-written is replaced.

    Raises:
        RegistryError: the stage has not run, or MLflow cannot be reached.
    """
    lock = read_lock(tracker.root)[stage]
    key = stage_key(lock)
    with mlflow_errors():
        finished = finished_run(tracker, key)
        return finished or _record(tracker, lock, key, prefect_run)


def stage_key(lock: StageLock) -> str:
    """What tells a run of one execution of a stage from those of others."""
    return f"{lock.name}-{lock.digest}"


def finished_run(tracker: Tracker, key: str) -> str | None:
    """Id of the finished run with this key. Unfinished ones with the same key are deleted."""
    found = tracker.client.search_runs([tracker.experiment], filter_string=f"tags.`rlhf.key` = '{key}'")
    for run in found:
        if run.info.status != "FINISHED":
            tracker.client.delete_run(run.info.run_id)
    return next((run.info.run_id for run in found if run.info.status == "FINISHED"), None)


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
        _log_params(tracker, run, lock.params)
        _log_metrics(tracker, run, list(_metrics(tracker.root, lock.name)))
        _log_datasets(tracker, run, lock)
        _log_artifacts(tracker, run, lock.name)
    return run


def _tags(root: Path, lock: StageLock, key: str, prefect_run: str) -> dict[str, str]:
    tags = {
        "rlhf.key": key,
        "rlhf.stage": lock.name,
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


def _metrics(root: Path, stage: str) -> Iterator[tuple[str, float, int]]:
    """The steps of reports/steps/<stage>.csv, then the final figures, named `final.` beside steps."""
    steps, prefix = root / "reports/steps" / f"{stage}.csv", ""
    if steps.exists():
        yield from _steps(steps)
        prefix = "final."
    final = root / "reports" / ("metrics.json" if stage == "evaluate" else f"{stage}.json")
    if final.exists():
        yield from _finals(prefix, dict(figures(read_json(final))))


def _finals(prefix: str, final: Mapping[str, float]) -> Iterator[tuple[str, float, int]]:
    """Under names that MLflow takes: those of sources and batches are whatever people wrote."""
    safe = {name: _safe(f"{prefix}{name}") for name in final}
    times = Counter(safe.values())
    for name, value in final.items():
        yield safe[name] if times[safe[name]] == 1 else _told_apart(safe[name], name), value, 0


def _safe(name: str) -> str:
    return _REFUSED.sub("_", name)[:LONGEST_NAME]


def _told_apart(safe: str, name: str) -> str:
    """Another name for each that became the same: two figures under one would look like one that changed."""
    mark = f"-{sha256_bytes(name.encode('utf-8'))[:8]}"
    return safe[: LONGEST_NAME - len(mark)] + mark


def _steps(path: Path) -> Iterator[tuple[str, float, int]]:
    with path.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            step = int(float(row.pop("step")))
            yield from ((name, float(text), step) for name, text in row.items() if text)


def figures(tree: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The finite numbers among the leaves, by dotted name: texts, lists and nulls are no metrics."""
    for name, value in flatten(tree):
        if isinstance(value, int | float) and math.isfinite(value):
            yield name, float(value)


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
