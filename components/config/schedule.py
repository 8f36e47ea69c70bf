"""The section `schedule`: when the served deployments run."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from components.config.section import Count, Section

#: A schedule's process takes seconds to start: oftener it would do little else.
_Interval = Annotated[int, Field(ge=10)]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is no time zone; write UTC, or a name such as Europe/Berlin") from None
    return name


def _cron(text: str | None) -> str | None:
    if text is not None and len(text.split()) != 5:
        raise ValueError("a cron expression has five fields: minute, hour, day, month, weekday")
    return text


Cron = Annotated[str, AfterValidator(_cron)]


class ScheduleParams(Section):
    """When the pipeline does what by itself; read by `rlhf serve`.

    Attributes:
        inbox: a folder, from the project's; the files that are complete in it are taken in.
        inbox_seconds: between two looks at it.
        retrain_cron: when a retraining starts, whatever came in; None: only by feedback.
        time_zone: of the two cron expressions.
        retrain_on_feedback: an accepted batch may start a retraining; False: none does.
        min_new_rows: it does when so many rows came in that the last candidate did not learn from.
        max_accuracy_drop: or when production's reward model is right on new pairs so much less often than at its
            evaluation (the whole 95 % interval lies lower).
        debounce_seconds: batches that come within so long of each other start one retraining.
        reconcile_seconds: between two looks for approvals in MLflow, and for runs whose process died.
        health_cron: when the health report is written and sent.
    """

    inbox: str
    inbox_seconds: _Interval
    retrain_cron: Cron | None
    time_zone: Annotated[str, AfterValidator(_zone)]
    retrain_on_feedback: bool
    min_new_rows: Count
    max_accuracy_drop: Annotated[float, Field(gt=0, lt=1)]
    debounce_seconds: Annotated[float, Field(ge=0)]
    reconcile_seconds: _Interval
    health_cron: Cron
