"""What the registry holds, for `rlhf status`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.tracking.reconciling import OUTCOME
from components.tracking.tracker import Tracker, connect, embedded_uri, mlflow_errors, tracking_uri
from components.tracking.versions import champion_of, current_version, get_version
from components.workspace import STATE

#: What the champion's tags say; a version that was not made by a promotion has none.
_PEOPLE = {"candidate": "candidate_version", "approver": "approver"}


@dataclass(frozen=True)
class Registry:
    """The newest run of each stage, the last retraining's candidate and the champion, as JSON-ready values."""

    runs: list[dict[str, Any]]
    candidate: dict[str, Any] | None
    champion: dict[str, Any] | None


def look(root: Path) -> Registry:
    """Read the registry. Nothing is made: where no retraining has run, there is nothing to see.

    Raises:
        RegistryError: MLflow cannot be reached.
    """
    if not has_registry(root):
        return Registry([], None, None)
    tracker = connect(root)
    with mlflow_errors():
        return Registry(_runs(tracker), _candidate(tracker), _champion(tracker))


def has_registry(root: Path) -> bool:
    """Whether there is a server, or an embedded database that something has been written to."""
    return tracking_uri(root) != embedded_uri(root) or (root / STATE / "mlflow.db").exists()


def _runs(tracker: Tracker) -> list[dict[str, Any]]:
    found = tracker.client.search_runs(
        [tracker.experiment], order_by=["attributes.start_time DESC"], max_results=200
    )
    newest: dict[str, dict[str, Any]] = {}
    for run in found:
        stage = run.data.tags.get("rlhf.stage")
        if stage and stage not in newest:
            newest[stage] = {
                "stage": stage,
                "run": run.info.run_id,
                "status": run.info.status,
                "ended": _time(run),
            }
    return list(reversed(newest.values()))


def _time(run: Any) -> str:
    ended = run.info.end_time
    return datetime.fromtimestamp(ended / 1000, UTC).isoformat(timespec="seconds") if ended else ""


def _candidate(tracker: Tracker) -> dict[str, Any] | None:
    version = current_version(tracker, "candidate")
    return _about(version) if version else None


def _champion(tracker: Tracker) -> dict[str, Any] | None:
    champion = champion_of(tracker)
    if champion is None:
        return None
    version = get_version(tracker, tracker.name, champion)
    people = {name: version.tags.get(tag) for name, tag in _PEOPLE.items()}
    return _about(version) | people


def _about(version: Any) -> dict[str, Any]:
    tags = version.tags
    return {
        "name": version.name,
        "version": str(version.version),
        "verdict": tags.get("verdict", ""),
        "reasons": [reason for reason in tags.get("reasons", "").split("\n") if reason],
        "description": version.description or "",
        "feedback_batches": [batch for batch in tags.get("feedback_batches", "").split(",") if batch],
        "withdrawn_before": json.loads(tags.get("withdrawn_before", "{}")),
        "sha256": tags.get("sha256", ""),
        "answer": tags.get(OUTCOME, ""),
    }
