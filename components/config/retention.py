"""The section `retention`: what `rlhf clean` leaves. What is in use it never takes, whatever stands here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.config.section import Count, Section

Days = Annotated[float, Field(ge=0)]


class RetentionParams(Section):
    """Attributes:
    candidates: the newest of them that stay, whatever became of them; one that waits for a reviewer stays besides.
    production: how many champions stay, the present one counted, so that `rlhf rollback` can go back step by step.
    grace_days: nothing younger goes.
    runs_days: MLflow runs that no registered version names stay so long.
    logs_days: flow runs stay so long in the Prefect of `rlhf up`, with their logs; so do old logs of its programs.
    """

    candidates: Count
    production: Annotated[int, Field(ge=2)]
    grace_days: Days
    runs_days: Days
    logs_days: Days
