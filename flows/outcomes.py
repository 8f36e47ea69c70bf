"""How a flow ends: always in a state with a name and a reason, told to those who must know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import State, get_run_logger, runtime
from prefect.client.schemas.objects import StateType
from prefect.states import Completed, Failed

from components.errors import BusyError, RlhfError, StoppedError
from flows.dead_runs import alive
from flows.news.notify import notify
from flows.news.outbox import News
from flows.stage_errors import StageCrashedError

#: States of a run: training gave up; a stage was told to end, and goes on when it is run again.
DIVERGED, STOPPED = "Diverged", "Stopped"
#: How a stage's message begins when training gave up (components/training/guards.py).
_DIVERGED = "failed: DIVERGED"


def completed(name: str, message: str, data: Any = None) -> State[Any]:
    """A good end: its name says in a word what came of the run."""
    return Completed(name=name, message=message, data=data)


def ended(
    root: Path, work: Callable[[], State[Any]], *, once_a_day: bool = False, told_by_caller: bool = False
) -> State[Any]:
    """Do a flow's work and return its last state. Who calls the flow itself gets the error raised, as ever.

    Args:
        once_a_day: people are told of the same failure once a day, for a flow that runs every minute.
        told_by_caller: nobody else is told: a run that waits for this one tells of both.

    Busy is Cancelled, not Failed: somebody else does the work. A signal to end is not caught: Prefect says Crashed.
    """
    with alive(root):
        try:
            return work()
        except BusyError as error:
            return State(type=StateType.CANCELLED, name="Busy", message=_words(error), data=error)
        except RlhfError as error:
            return _failed(root, error, once_a_day, told_by_caller)
        except Exception as error:  # noqa: BLE001 - whatever it was, the run says so
            get_run_logger().exception("not expected")
            return _failed(root, error, once_a_day, told_by_caller)


def _failed(root: Path, error: Exception, once_a_day: bool, told_by_caller: bool) -> State[Any]:
    name = _name_of(error)
    if not told_by_caller:
        flow = str(runtime.flow_run.flow_name)
        key = f"{flow} {datetime.now(UTC).date()} {error}" if once_a_day else str(runtime.flow_run.id)
        subject = {DIVERGED: f"{flow}: training diverged", STOPPED: f"{flow} was told to end"}
        kind = "training_diverged" if name == DIVERGED else "run_failed"
        notify(root, News(kind, key, subject.get(name, f"{flow} failed"), _told(error)))
    return Failed(name=name, message=_words(error), data=error)


def _name_of(error: Exception) -> str:
    if _DIVERGED in str(error):
        return DIVERGED
    return STOPPED if isinstance(error, StoppedError) else "Failed"


def _words(error: Exception) -> str:
    if not isinstance(error, RlhfError):
        return f"{type(error).__name__}: {error}"
    return f"{error.message}. Remedy: {error.remedy}" if error.remedy else error.message


def _told(error: Exception) -> str:
    """For other people's eyes: words of ours only. What else raises may quote the data at hand."""
    if isinstance(error, StageCrashedError) or not isinstance(error, RlhfError):
        return f"{type(error).__name__}. The log of run {runtime.flow_run.name} in Prefect says more."
    return f"{error.message}\nRemedy: {error.remedy}" if error.remedy else error.message
