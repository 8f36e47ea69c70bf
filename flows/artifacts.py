"""Prefect artifacts: what a run shows on its page. Texts of strangers are escaped."""

from __future__ import annotations

import html
import math
import re
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.exceptions import PrefectException

from components.progress import Progress
from components.tracking.tracker import Tracker, without_login
from flows.terminal import printable

#: An update costs 16 ms.
EVERY_S = 1.0


def key(name: str) -> str:
    """An artifact's key: lowercase letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


class ProgressArtifact:
    """How far a stage is, on its run's page; made when the stage first tells.

    A page that cannot be written ends no training: it stays as it is.
    """

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._id: UUID | None = None
        self._told = -math.inf

    def update(self, progress: Progress) -> None:
        percent = 100.0 * progress.step / max(1, progress.total)
        try:
            self._tell(percent)
        except (httpx.HTTPError, PrefectException) as error:
            get_run_logger().warning("the progress of %s cannot be told to Prefect: %s", self._stage, error)
            # Asking again costs minutes each time: the last step asks once more.
            self._told = math.inf

    def _tell(self, percent: float) -> None:
        if percent < 100 and time.monotonic() - self._told < EVERY_S:
            return
        if self._id is None:
            self._id = create_progress_artifact(percent, key=f"{key(self._stage)}-progress")
        else:
            update_progress_artifact(self._id, percent)
        self._told = time.monotonic()


def show_page(markdown: str, name: str) -> None:
    """A page of its own for this run. One that cannot be written ends nothing: what it tells is told elsewhere, too."""
    _show(name, lambda: create_markdown_artifact(markdown, key=name))


def show_table(rows: list[dict[str, Any]], name: str) -> None:
    """A table for this run; like `show_page`."""
    _show(name, lambda: create_table_artifact(rows, key=name))


def _show(name: str, create: Callable[[], object]) -> None:
    try:
        create()
    except (httpx.HTTPError, PrefectException) as error:
        get_run_logger().warning("%s cannot be shown in Prefect: %s", name, error)


def link_to_run(stage: str, tracker: Tracker, run: str) -> None:
    """Where MLflow shows the stage's run, on its run's page here; an embedded database has no pages."""
    if tracker.uri.startswith("http"):
        place = f"#/experiments/{tracker.experiment}/runs/{run}"
        link = f"{without_login(tracker.uri).rstrip('/')}/{place}"
        create_link_artifact(link, link_text=f"{stage} in MLflow", key=f"{key(stage)}-mlflow-run")


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A markdown table."""
    lines = [headers, ["---"] * len(headers), *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: Any) -> str:
    """A value as text in a markdown table: no markup, no line break, no end of the cell."""
    text = html.escape(printable(str(value)).replace("\n", " "))
    return re.sub(r"([|\\`*_\[\]<>#])", r"\\\1", text)
