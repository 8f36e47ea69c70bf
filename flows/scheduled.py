"""The flows that a Prefect server starts by itself. They take no folder: they work in that of `rlhf serve`.

Each run is a process of its own, one of them every minute: what only one flow needs is imported by that one.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from prefect import State, flow, get_run_logger

from components.config import load_params
from components.feedback.sources.inbox import Arrival, Inbox, watching
from components.tracking import reconciling
from components.tracking.overview import has_registry
from components.tracking.tracker import connect
from flows import dvc
from flows.dead_runs import close_dead_runs
from flows.ledger import at_work, decided_on
from flows.locks import refuse_if_busy
from flows.news.notify import tell_later
from flows.news.telling import tell_left
from flows.outcomes import completed, ended
from flows.project import own_project
from flows.reconcile import show_outcomes
from flows.restarts import batches, start_owed
from flows.retrain import bring_up_to_date
from flows.suspended import reopen, tell_failed
from flows.terminal import printable

#: A file in the inbox is complete when two looks so far apart find it the same.
SETTLE_S = 10.0
#: Files of one run: each is moved when the run ends.
MOST_AT_ONCE = 50


@flow(name="ingest-inbox")
def ingest_inbox() -> State[None]:
    """Take in the files that are complete in the inbox."""
    root = own_project()
    return ended(root, lambda: _empty_inbox(root), once_a_day=True)


@flow(name="retrain")
def retrain(only_if_due: bool = False) -> State[dict[str, Any]]:
    """Retrain; or first wait until batches stop coming in, and see whether what came is worth it."""
    root = own_project()
    return ended(root, lambda: _retrain(root, only_if_due))


@flow(name="reconcile")
def reconcile() -> State[None]:
    """Close runs whose process died, tell what was not told, start what is owed, carry out approvals in MLflow."""
    root = own_project()
    return ended(root, lambda: _reconcile(root), once_a_day=True)


@flow(name="health")
def health() -> State[dict[str, Any]]:
    """Write the health report, and send it."""
    from flows.health.report import report_health

    root = own_project()
    return ended(root, lambda: report_health(root))


def _empty_inbox(root: Path) -> State[None]:
    from flows.inbox import Taken, take_in

    folder = root / load_params(root / "params.yaml").schedule.inbox
    folder.mkdir(parents=True, exist_ok=True)
    with watching(folder):
        inbox = Inbox(folder, SETTLE_S, lambda sentence: get_run_logger().warning("%s", sentence))
        arrivals = _complete(inbox)
        if not arrivals:
            return completed("Empty", f"no complete file in {folder}")
        # Not as a flow of its own: this run is the one that people look at.
        taken: list[Taken] = take_in.fn(root, inbox, arrivals[:MOST_AT_ONCE])
    for name, why in inbox.left.items():
        tell_left(root, name, why)
    told = [f"{each.result.batch} {each.result.status}" for each in taken]
    told += [f"{printable(name)} {why}" for name, why in inbox.left.items()]
    return completed("Taken" if taken else "Left", ", ".join(told))


def _complete(inbox: Inbox) -> list[Arrival]:
    """What cannot be read comes last: it is tried at each look, and keeps nothing else waiting."""
    arrivals = inbox.look()
    if inbox.unfinished:
        time.sleep(inbox.settle_s)
        arrivals = inbox.look()
    return sorted(arrivals, key=lambda arrival: not os.access(arrival.path, os.R_OK))


def _retrain(root: Path, only_if_due: bool) -> State[dict[str, Any]]:
    from flows.due import is_due, wait_until_settled

    refuse_if_busy(root)
    dvc.restore_feedback(root)
    if only_if_due:
        wait_until_settled(root, load_params(root / "params.yaml").schedule.debounce_seconds)
    seen = batches(root)
    if not seen:
        # A schedule may be there before the first batch is: nobody needs to be told of a failure.
        return completed("NotDue", "there is no feedback to learn from yet")
    if only_if_due:
        decision = is_due(root)
        get_run_logger().info("%s", decision.reason)
        if not decision.is_due:
            decided_on(root, seen)
            return completed("NotDue", decision.reason)
    # What comes meanwhile finds this run busy: `reconcile` sees to it afterwards.
    with at_work(root, seen):
        return bring_up_to_date(root)


def _reconcile(root: Path) -> State[None]:
    closed = close_dead_runs(root)
    waiting = reopen(root)
    tell_failed(root)
    tell_later(root)
    started = start_owed(root)
    outcomes = reconciling.reconcile(connect(root)) if has_registry(root) else []
    show_outcomes(outcomes)
    told = [f"{dead.flow} {dead.name} was dead: closed" for dead in closed]
    told += [f"{name} waits for its answer again" for name in waiting]
    told += [started] if started else []
    told += [f"candidate {each.candidate}: {each.reason}" for each in outcomes if not each.is_left]
    left = [f"candidate {each.candidate}: {each.reason}" for each in outcomes if each.is_left]
    return completed("Reconciled" if told else "Nothing", "; ".join(told + left) or "nothing waited")
