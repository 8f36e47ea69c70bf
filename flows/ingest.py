"""Flow `ingest`: files of feedback in, one DVC version of the whole feedback out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.events import emit_event

from components.errors import RlhfError
from components.feedback.ingestion import ingest_file
from components.feedback.manifest import IngestResult
from components.tracking.locks import exclusive
from components.workspace import STATE
from flows import dvc
from flows.git import commit_if_wanted
from flows.terminal import note, printable


@flow(name="ingest")
def ingest(root: Path, files: list[Path], format_name: str | None = None) -> list[IngestResult]:
    """Ingest each file, then put the feedback under DVC and copy it to the remote, once for all of them.

    Raises:
        FeedbackError: a file cannot be read, or earlier feedback cannot be fetched. What the files before it
            brought is kept.
    """
    dvc.restore_feedback(root)
    results: list[IngestResult] = []
    try:
        for file in files:
            results.append(ingest_one(root, file, format_name))
    finally:
        # Also after a kill between a batch's commit and this: the folder may hold more than DVC knows.
        if (root / dvc.FEEDBACK).exists():
            track(root)
    _publish(root, results)
    return results


def _run_name(parameters: dict[str, Any]) -> str:
    """A function, because Prefect fills in the braces of a text: a file may be named `{root}.csv`."""
    return f"ingest {printable(parameters['file'].name)}"


@task(cache_policy=NO_CACHE, task_run_name=_run_name)
def ingest_one(root: Path, file: Path, format_name: str | None) -> IngestResult:
    """One file; its counts go to the run's log."""
    result = ingest_file(file, root / "data", format_name)
    counts = f"{result.accepted} accepted, {result.quarantined} quarantined, {result.duplicates} duplicates"
    get_run_logger().info("%s: %s; %d read, %s", result.batch, result.status, result.read, counts)
    return result


@task(cache_policy=NO_CACHE)
def track(root: Path) -> None:
    """`dvc add`: one at a time, because two at once refuse each other."""
    with exclusive(root / STATE / "track.lock"):
        dvc.add_feedback(root)
        commit_if_wanted(root, "Add feedback", str(dvc.TRACKED))


@task(cache_policy=NO_CACHE, retries=1, retry_delay_seconds=2)
def push(root: Path) -> None:
    """`dvc push` to the default remote."""
    dvc.push_feedback(root)


def _publish(root: Path, results: list[IngestResult]) -> None:
    """Tell others: the remote, whoever waits for the event, the run's page."""
    accepted = [result for result in results if result.status == "accepted"]
    if dvc.has_remote(root):
        _push_or_warn(root)
    for result in accepted:
        resource = {
            "prefect.resource.id": f"rlhf.feedback.{result.batch}",
            "prefect.resource.name": result.batch,
        }
        emit_event("feedback.batch.accepted", resource=resource, payload={"accepted": result.accepted})
    if results:
        create_table_artifact([_row(result) for result in results], key="feedback-batches")


def _push_or_warn(root: Path) -> None:
    try:
        push(root)
    except RlhfError as error:
        # The batch is safe here; the remote gets it with the next push.
        get_run_logger().warning("%s", error.message)
        note(f"warning: {error.message}", "yellow")
        note(f"remedy: {error.remedy}", "yellow")


def _row(result: IngestResult) -> dict[str, object]:
    reasons = ", ".join(f"{code} {count}" for code, count in result.reasons.items())
    return result.to_json() | {"reasons": reasons}
