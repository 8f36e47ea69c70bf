"""What the versions that came into production were measured to be: the champion's figures over versions."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from components.errors import ModelError
from components.tracking.overview import has_registry
from components.tracking.packages import fetch, staging
from components.tracking.registration import EVALUATION
from components.tracking.tracker import Tracker, connect, mlflow_errors
from components.tracking.versions import all_versions, champion_of

METRICS = f"{EVALUATION}/metrics.json"
#: Of an evaluation's figures those that tell how a model does: room and name of each.
_ROOMS = {
    "win_rate_vs_sft": "policy",
    "win_rate_vs_sft_ci": "policy",
    "gold_win_rate_vs_sft": "policy",
    "gold_win_rate_vs_sft_ci": "policy",
    "win_rate_vs_champion": "policy",
    "win_rate_vs_champion_ci": "policy",
    "sequence_kl": "policy",
    "accuracy": "reward_model",
    "accuracy_ci": "reward_model",
}


def main_figures(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The few figures of an evaluation that tell how a model does; None where one was not measured."""
    rooms = {room: found for room, found in metrics.items() if isinstance(found, Mapping)}
    return {name: rooms.get(room, {}).get(name) for name, room in _ROOMS.items()}


def production_versions(root: Path, known: MutableMapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Each version of the production model, oldest first, with its main figures, as JSON-ready values.

    Only the file of figures is read, and not checked: `rlhf verify` does that.

    Args:
        known: figures by digest of the version, which is filled: a version does not change.

    Raises:
        RegistryError: MLflow cannot be reached.
    """
    if not has_registry(root):
        return []
    tracker = connect(root)
    with mlflow_errors():
        champion = champion_of(tracker)
        return [
            _about(tracker, version, known) | {"is_champion": str(version.version) == champion}
            for version in all_versions(tracker, tracker.name)
        ]


def _about(tracker: Tracker, version: Any, known: MutableMapping[str, dict[str, Any]]) -> dict[str, Any]:
    # One that somebody registered by hand has no digest.
    digest = version.tags.get("sha256") or f"version {version.version}"
    figures = known.get(digest) or main_figures(_read(tracker, f"{version.source.rstrip('/')}/{METRICS}"))
    if any(value is not None for value in figures.values()):
        known[digest] = figures
    return {
        "version": str(version.version),
        "candidate": version.tags.get("candidate_version"),
        "approver": version.tags.get("approver"),
        **figures,
    }


def _read(tracker: Tracker, source: str) -> dict[str, Any]:
    """The figures; none where the file is missing or was damaged: a page is shown with what there is."""
    with staging(tracker.root) as scratch:
        try:
            found = json.loads(fetch(tracker, source, scratch).read_text(encoding="utf-8"))
        except (ModelError, OSError, ValueError):
            return {}
    return found if isinstance(found, dict) else {}


def finite(value: Any) -> float | None:
    """A number that can be drawn, or None."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None
