"""Runs in MLflow while their stage is still at work: its steps are sent as they come, and none is lost or doubled.

The stage writes its steps into a file, an attempt (attempts.py). Whoever sends them notes beside it how far it got,
after each batch; killed in between, a batch is sent again, and MLflow takes the same figure of the same time once.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from components.tracking.attempts import Attempt, Step, all_attempts, newest
from components.tracking.lineage import git_commit
from components.tracking.run_metrics import METRICS_AT_ONCE, STAGE, SYSTEM
from components.tracking.tracker import Tracker

#: Tags of a run: the attempt that it tells of; why it ended badly.
ATTEMPT, REASON = "rlhf.attempt", "rlhf.reason"
LONGEST_REASON = 5000
_OVER = ("FINISHED", "FAILED", "KILLED")


@dataclass(frozen=True)
class Told:
    """A run that told live of an execution. Attributes: missing: figures by name and step that it has not got yet."""

    run: str
    missing: list[tuple[str, float, int]]


def open_run(tracker: Tracker, attempt: Attempt, prefect_run: str = "") -> str:
    """The id of the attempt's run, which is running from now on.

    Raises:
        MlflowException: the server is away, as from all that is called here.
    """
    found = _find(tracker, attempt)
    if found is None:
        tags = {ATTEMPT: attempt.name, STAGE: attempt.stage, "prefect_run": prefect_run}
        tags |= {"git_commit": git_commit(tracker.root)}
        found = tracker.client.create_run(tracker.experiment, run_name=attempt.stage, tags=tags)
    elif found.info.status == "FAILED":
        tracker.client.update_run(found.info.run_id, status="RUNNING")
        forget_reason(tracker, found.info.run_id)
    return str(found.info.run_id)


def forget_reason(tracker: Tracker, run: str) -> None:
    """The run goes on, or has ended well: why it failed before is no more true of it."""
    if REASON in tracker.client.get_run(run).data.tags:
        tracker.client.delete_tag(run, REASON)


def deliver(tracker: Tracker, attempt: Attempt, run: str) -> None:
    """Send the steps that wait; what was sent is noted, the rest waits for the next time."""
    for steps, sent in attempt.batches():
        tracker.client.log_batch(run, metrics=list(_metrics(steps)))
        attempt.note(sent)


def send_system(tracker: Tracker, run: str, samples: Sequence[tuple[int, int, dict[str, float]]]) -> None:
    """Figures of the machine: each time in milliseconds since 1970, number of the sample, and figures by name."""
    from mlflow.entities import Metric

    rows = [
        Metric(f"{SYSTEM}{name}", value, at_ms, number)
        for at_ms, number, figures in samples
        for name, value in figures.items()
    ]
    for start in range(0, len(rows), METRICS_AT_ONCE):
        tracker.client.log_batch(run, metrics=rows[start : start + METRICS_AT_ONCE])


def end_badly(tracker: Tracker, attempt: Attempt, reason: str) -> None:
    """Send what waits, and tell that the stage failed and why. A later process may go on in the same run."""
    run = open_run(tracker, attempt)
    deliver(tracker, attempt, run)
    tracker.client.set_tag(run, REASON, reason[:LONGEST_REASON])
    tracker.client.set_terminated(run, "FAILED")


def settle(tracker: Tracker, reason: str, at_work: Collection[str] = ()) -> None:
    """Deliver what earlier processes left, and end their runs.

    A stage's newest attempt is kept: the stage may go on in it.

    Args:
        reason: of those that left none.
        at_work: stages whose process lives, on a worker for instance: their runs go on.
    """
    for attempt in all_attempts(tracker.root):
        if attempt.stage in at_work:
            continue
        if not _is_over(attempt, _find(tracker, attempt)):
            end_badly(tracker, attempt, attempt.reason() or reason)
        last = newest(tracker.root, attempt.stage)
        if last is not None and last.path != attempt.path:
            attempt.forget()


def close(tracker: Tracker, stage: str) -> None:
    """The stage has ended, and the run that tells of it is finished: what else it left of runs failed."""
    for attempt in all_attempts(tracker.root, stage):
        run = _find(tracker, attempt)
        # Where there is none, its figures are in the finished run.
        if run is not None and not _is_over(attempt, run):
            end_badly(tracker, attempt, "another attempt ended, with figures of its own")
        attempt.forget()


def _is_over(attempt: Attempt, run: Any | None) -> bool:
    if run is None or run.info.status not in _OVER:
        return False
    return run.info.status != "FAILED" or not any(attempt.batches())


def told_of(tracker: Tracker, stage: str, metrics: Sequence[tuple[str, float, int]]) -> Told | None:
    """The run that told live of the execution which left these figures: each that it has is among them, once.

    Args:
        metrics: name, value and step.
    """
    attempt = newest(tracker.root, stage)
    run = None if attempt is None else _find(tracker, attempt)
    if run is None or run.info.status == "FINISHED":
        return None
    wanted = {(name, step): value for name, value, step in metrics}
    held = list(_history(tracker, run))
    have = dict(held)
    if len(have) < len(held) or not all(key in wanted and _same(value, wanted[key]) for key, value in held):
        return None
    missing = [(name, value, step) for (name, step), value in wanted.items() if (name, step) not in have]
    return Told(str(run.info.run_id), missing)


def _find(tracker: Tracker, attempt: Attempt) -> Any | None:
    found = tracker.client.search_runs(
        [tracker.experiment], filter_string=f"tags.`{ATTEMPT}` = '{attempt.name}'"
    )
    return found[0] if found else None


def _history(tracker: Tracker, run: Any) -> Iterator[tuple[tuple[str, int], float]]:
    """Every figure of a run but those of the machine."""
    for name in run.data.metrics:
        if not name.startswith(SYSTEM):
            history = tracker.client.get_metric_history(run.info.run_id, name)
            yield from (((name, each.step), each.value) for each in history)


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _metrics(steps: Sequence[Step]) -> Iterator[Any]:
    from mlflow.entities import Metric

    for step in steps:
        for name, value in step.figures.items():
            yield Metric(name, value, step.at_ms, step.number)
