"""Flow `inbox`: the complete files of a watched folder in, then each moved to `done` or `failed`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prefect import flow, get_run_logger

from components.errors import FeedbackError
from components.feedback.manifest import IngestResult
from components.feedback.sources.inbox import Arrival, Inbox, Outcome, put_away
from flows.dead_runs import while_alive
from flows.ending import ending
from flows.ingest import ingest_one, publishing
from flows.pages import PAGES


@dataclass(frozen=True)
class Taken:
    """A file that was taken in, and where it lies now; None where another file had come in its place."""

    arrival: Arrival
    result: IngestResult
    path: Path | None


@flow(name="inbox", validate_parameters=False)
@while_alive
def take_in(root: Path, inbox: Inbox, arrivals: list[Arrival], format_name: str | None = None) -> list[Taken]:
    """Ingest files, put the feedback under DVC once for all of them, then move each.

    A kill at any point leaves files where they were; they are taken again, which changes nothing. A signal
    to end is heard between two files.

    Raises:
        RlhfError: the feedback is ingested but DVC refuses it, or a file cannot be moved.
    """
    results: list[tuple[Arrival, IngestResult]] = []
    with publishing(root) as published:
        for arrival in arrivals:
            if ending.is_set():
                break
            result = _ingest(root, inbox, arrival, format_name)
            if result is not None:
                published.append(result)
                results.append((arrival, result))
    return [_put_away(root, arrival, result) for arrival, result in results]


def _ingest(root: Path, inbox: Inbox, arrival: Arrival, format_name: str | None) -> IngestResult | None:
    """The result; or None where the file cannot be read, or the disk is full: it may be taken later."""
    try:
        return ingest_one(root, arrival.path, format_name)
    except FeedbackError as error:
        get_run_logger().warning("%s", error.message)
        inbox.leave(arrival, f"cannot be taken: {error.message} ({error.remedy})")
        return None


def _put_away(root: Path, arrival: Arrival, result: IngestResult) -> Taken:
    report = result.to_json() | {"taken_at": datetime.now(UTC).isoformat(timespec="seconds")}
    try:
        outcome: Outcome = "failed" if result.status == "rejected" else "done"
        path = put_away(arrival, outcome, report, root / PAGES / f"{result.batch}.html")
    except OSError as error:
        what = f"{arrival.path} is ingested but cannot be moved: {error.strerror or error}"
        raise FeedbackError(
            what, "mend the folder's permissions; it is moved when the inbox runs again"
        ) from None
    return Taken(arrival, result, path)
