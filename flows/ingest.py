"""Flow `ingest`: files of feedback in, one DVC version of the whole feedback out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.events import emit_event

from components.config import load_params
from components.errors import RlhfError
from components.feedback.commits import ingestion_lock
from components.feedback.ingestion import ingest_file
from components.feedback.manifest import IngestResult
from components.feedback.report.names import Masks
from flows import dvc
from flows.artifacts import show_table
from flows.dead_runs import while_alive
from flows.git import commit_if_wanted
from flows.news.telling import tell_batch
from flows.pace import Reading
from flows.pages import PAGES, refresh_page
from flows.sources import delivered
from flows.terminal import note, printable

#: What tells the events of one project from those of another on the same server.
REGISTRY = "rlhf.registry"


@flow(name="ingest")
@while_alive
def ingest(root: Path, sources: list[Path | str], format_name: str | None = None) -> list[IngestResult]:
    """Ingest each source, then put the feedback under DVC and copy it to the remote, once for all of them.

    Args:
        sources: files, folders with a data set, and addresses such as "mlflow://reviews".

    Raises:
        FeedbackError: a source cannot be read, or earlier feedback cannot be fetched. What the sources before
            it brought is kept.
    """
    with publishing(root) as results:
        for source in sources:
            with delivered(root, source) as files:
                results.extend(
                    ingest_one(root, file.path, file.format or format_name, file.shown) for file in files
                )
    return results


@contextmanager
def publishing(root: Path) -> Iterator[list[IngestResult]]:
    """Put what the block ingests under DVC, however it ends, and tell others of the results it collects.

    Raises:
        FeedbackError: earlier feedback cannot be fetched.
    """
    dvc.restore_feedback(root)
    results: list[IngestResult] = []
    try:
        yield results
    finally:
        # Also after a kill between a batch's commit and this: the folder may hold more than DVC knows.
        if (root / dvc.FEEDBACK).exists():
            track(root)
    _publish(root, results)


def _run_name(parameters: dict[str, Any]) -> str:
    """A function, because Prefect fills in the braces of a text: a file may be named `{root}.csv`."""
    return f"ingest {printable(parameters['file'].name)}"


@task(cache_policy=NO_CACHE, task_run_name=_run_name)
def ingest_one(root: Path, file: Path, format_name: str | None, shown: str | None = None) -> IngestResult:
    """One file; its counts go to the run's log.

    Args:
        shown: what a person knows it by, if not by its name.
    """
    result = ingest_file(file, root / "data", format_name, shown=shown, **ingest_options(root))
    counts = f"{result.accepted} accepted, {result.quarantined} quarantined, {result.duplicates} duplicates"
    get_run_logger().info("%s: %s; %d read, %s", result.batch, result.status, result.read, counts)
    return result


def ingest_options(root: Path) -> dict[str, Any]:
    """What ingestion needs beside a file: the parameters, and somebody to tell how far it is."""
    return {"params": load_params(root / "params.yaml").feedback, "on_rows": Reading().tell}


@task(cache_policy=NO_CACHE)
def track(root: Path) -> None:
    """`dvc add`: one at a time, because two at once refuse each other, and of a store that nobody changes."""
    with ingestion_lock(root / "data"):
        dvc.add_feedback(root)
        commit_if_wanted(root, "Add feedback", str(dvc.TRACKED))


@task(cache_policy=NO_CACHE, retries=1, retry_delay_seconds=2)
def push(root: Path) -> None:
    """`dvc push` to the default remote."""
    dvc.push_feedback(root)


def _publish(root: Path, results: list[IngestResult]) -> None:
    """Tell others: the remote, whoever waits for the event, the run's page."""
    for batch in {result.batch for result in results}:
        refresh_page(root, batch)
    _push_or_warn(root)
    for result in results:
        if result.status != "already_ingested":
            _tell(root, result)
            tell_batch(root, result)
    if results:
        show_table([_row(root, result) for result in results], "feedback-batches")


def _tell(root: Path, result: IngestResult) -> None:
    """An event such as feedback.batch.accepted: a retraining may wait for it (flows/deployments.py)."""
    resource = {
        "prefect.resource.id": f"rlhf.feedback.{result.batch}",
        "prefect.resource.name": result.batch,
        REGISTRY: load_params(root / "params.yaml").registry.name,
    }
    payload = {"accepted": result.accepted}
    emit_event(f"feedback.batch.{result.status}", resource=resource, payload=payload)


def _push_or_warn(root: Path) -> None:
    try:
        push(root)
    except RlhfError as error:
        # The batch is safe here; the remote gets it with the next push.
        get_run_logger().warning("%s", error.message)
        note(f"warning: {error.message}", "yellow")
        note(f"remedy: {error.remedy}", "yellow")


def _row(root: Path, result: IngestResult) -> dict[str, object]:
    reasons = ", ".join(f"{code} {count}" for code, count in result.reasons.items())
    tags = ", ".join(f"{code} {count}" for code, count in result.tags.items())
    page = (root / PAGES / f"{result.batch}.html").as_uri()
    # Prefect keeps this for good. What was found, and what people wrote, names others: the page has it, and an erasure
    # finds it there; what ingestion says against a file names people in one place.
    message = Masks([]).hide_in(result.message) if result.status == "rejected" else ""
    return result.to_json() | {"reasons": reasons, "tags": tags, "message": message, "page": page}
