"""Whether accepted feedback is worth a retraining: enough of it is new, or production no longer agrees with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.config import load_params
from components.config.schedule import ScheduleParams
from components.errors import BusyError
from components.feedback.manifest import Manifest
from components.feedback.store import accepted_manifests
from components.locks import exclusive
from components.tracking.overview import look
from components.workspace import STATE
from flows.health.drift import Drift, measure_drift

#: A burst that never ends is not waited for longer than this many times `debounce_seconds`.
MOST_ROUNDS = 10


@dataclass(frozen=True)
class Decision:
    """Attributes: reason: in words, with the figures."""

    is_due: bool
    reason: str


def decide(new_rows: int, drift: Drift | None, params: ScheduleParams) -> Decision:
    """Whether to retrain.

    Args:
        new_rows: accepted rows of people that the last candidate did not learn from.
        drift: None where it was not measured: there is no champion, or nothing to measure it on.
    """
    rows = f"{new_rows} new rows of the {params.min_new_rows} that start a retraining"
    if not params.retrain_on_feedback:
        return Decision(False, "schedule.retrain_on_feedback is false")
    if new_rows >= params.min_new_rows:
        return Decision(True, rows)
    if new_rows and drift is not None and drift.upper < drift.at_evaluation - params.max_accuracy_drop:
        return Decision(True, f"{rows}; but {drift.told()}, more than {params.max_accuracy_drop:.1%} less")
    return Decision(False, f"{rows}; {drift.told()}" if drift is not None else rows)


def is_due(root: Path) -> Decision:
    """Look at the feedback and decide. Errors: components.tracking.overview.look."""
    params = load_params(root / "params.yaml").schedule
    registry = look(root)
    learned = set((registry.candidate or {}).get("feedback_batches", ()))
    new = [batch for batch in _accepted(root) if batch.batch not in learned]
    # What no person judged is there whenever somebody asks for it: it tells of nothing new.
    new_rows = sum(batch.accepted for batch in new if not batch.automatic)
    enough = new_rows == 0 or new_rows >= params.min_new_rows or not params.retrain_on_feedback
    return decide(new_rows, None if enough else measure_drift(root), params)


def accepted_batches(root: Path) -> set[str]:
    """Names of the batches there are to learn from."""
    return {batch.batch for batch in _accepted(root)}


def _accepted(root: Path) -> list[Manifest]:
    return [batch for batch in accepted_manifests(root / "data") if batch.accepted]


def wait_until_settled(root: Path, pause_s: float) -> None:
    """Return once no batch was accepted for so long. One process waits for all the batches of a burst.

    Raises:
        BusyError: another one waits already.
    """
    with _only_one(root):
        for _ in range(MOST_ROUNDS):
            before = accepted_batches(root)
            time.sleep(pause_s)
            if accepted_batches(root) == before:
                return


@contextmanager
def _only_one(root: Path) -> Iterator[None]:
    try:
        with exclusive(root / STATE / "debounce.lock", wait=False):
            yield
    except BlockingIOError:
        raise BusyError(
            "another run waits until batches stop coming in, and decides for all of them",
            "nothing: it looks at this batch too",
        ) from None
