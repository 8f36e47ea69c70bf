"""Where a registered version comes from, and what has become of its feedback since: for `rlhf lineage`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.errors import FeedbackError
from components.feedback import store
from components.feedback.manifest import Manifest
from components.files import read_json
from components.tracking.audit import read_log
from components.tracking.erasures import erasures_since
from components.tracking.lineage import FEEDBACK
from components.tracking.registration import LINEAGE
from components.tracking.tracker import Tracker
from components.tracking.versions import champion_of, checked_files

#: States of a batch that are no status: no folder of its name; no manifest in it that can be read.
GONE, UNREADABLE = "not here", "unreadable"
_ROOMS = (store.FEEDBACK, store.HELD, store.QUARANTINE)


def origin_of(tracker: Tracker, version: Any) -> dict[str, Any]:
    """All that is known of a version's origin, as JSON-ready values. What was not recorded then is null.

    Raises:
        ModelError: a file of the version is not the one that was registered.
    """
    lineage, tags = read_json(checked_files(tracker, version) / LINEAGE), version.tags
    is_production = version.name == tracker.name
    params = lineage.get("params")
    return {
        "model": version.name,
        "version": str(version.version),
        "is_champion": is_production and champion_of(tracker) == str(version.version),
        "candidate": tags.get("candidate_version") if is_production else str(version.version),
        "verdict": tags.get("verdict", ""),
        "author": lineage["author"],
        "created_at": lineage["created_at"],
        "approver": tags.get("approver"),
        "acts": acts_on(tracker, version),
        "sha256": tags.get("sha256"),
        "git_commit": lineage["git_commit"],
        "base": None if params is None else params.get("model.base"),
        "parents": {kind: [tracker.model(kind), number] for kind, number in lineage["parents"].items()},
        "feedback": [batch_now(tracker.root, batch, lineage) for batch in lineage["feedback_batches"]],
        "automatic": lineage.get("automatic_feedback") or {},
        "params": params,
        "runs": lineage.get("runs") or {},
        "prefect_run": lineage["prefect_run"],
        "mlflow_run": version.run_id,
        "dvc": {FEEDBACK: lineage["feedback"], **lineage["dvc"]},
    }


def acts_on(tracker: Tracker, version: Any) -> list[dict[str, Any]]:
    """What the audit log tells of a production version, oldest first."""
    mine = (version.name, str(version.version))
    acts = (line.act for line in read_log(tracker.root))
    return [act for act in acts if (act.get("model"), act.get("version")) == mine]


def batch_now(root: Path, batch: str, lineage: Mapping[str, Any]) -> dict[str, Any]:
    """A batch that a version learned from: its state now, and the rows that were withdrawn since, with the reasons."""
    folder = _folder(root / "data", batch)
    try:
        manifest = None if folder is None else store.read_manifest(folder)
    except FeedbackError:
        manifest = None
    if manifest is None:
        state = GONE if folder is None else UNREADABLE
        return {"batch": batch, "state": state, "accepted": None, "withdrawn_since": None, "why": []}
    why = [event["why"] for event in erasures_since(manifest, lineage)]
    return {
        "batch": batch,
        "state": manifest.status,
        "accepted": manifest.accepted,
        "withdrawn_since": _withdrawn_since(manifest, lineage, bool(why)),
        "why": why,
    }


def _withdrawn_since(manifest: Manifest, lineage: Mapping[str, Any], told: bool) -> int:
    """Rows. Of versions registered before this was counted only the events tell; then it is at most so many."""
    if "withdrawn_before" not in lineage:
        return manifest.withdrawn if told else 0
    return manifest.withdrawn - int(lineage["withdrawn_before"].get(manifest.batch, 0))


def _folder(data: Path, batch: str) -> Path | None:
    """Where the batch lies now."""
    # Compared, not joined: a name out of a file is never a path.
    found = (folder for room in _ROOMS for folder in store.folders(data / room) if folder.name == batch)
    return next(found, None)
