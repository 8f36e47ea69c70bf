"""Where the loop stands, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.feedback.store import list_manifests
from components.tracking.overview import Registry, look
from flows import dvc
from flows.graph import stage_order


def overview(root: Path) -> dict[str, Any]:
    """Batches, stages, runs, candidate, champion and the next step, as JSON-ready values."""
    batches = [_batch(manifest) for manifest in list_manifests(root / "data")]
    stages = _stages(root)
    registry = look(root)
    return {
        "batches": batches,
        "stages": stages,
        "runs": registry.runs,
        "candidate": registry.candidate,
        "champion": registry.champion,
        "next": _next(batches, stages, registry),
    }


def _batch(manifest: Any) -> dict[str, Any]:
    content: dict[str, Any] = manifest.to_json()
    return content


def _stages(root: Path) -> list[dict[str, str]]:
    stale = dvc.stale(root)
    return [
        {"stage": name, "state": "to run" if name in stale else "up to date"} for name in stage_order(root)
    ]


def _next(batches: list[dict[str, Any]], stages: list[dict[str, str]], registry: Registry) -> str:
    if not any(batch["status"] == "accepted" for batch in batches):
        return "`rlhf ingest data/samples/*`, or your own files"
    if registry.candidate is None or any(stage["state"] == "to run" for stage in stages):
        return "`rlhf retrain`"
    champion = registry.champion or {}
    if champion.get("candidate") == registry.candidate["version"]:
        return '`rlhf generate "PROMPT"`, and `rlhf ingest FILE` once there is new feedback'
    if registry.candidate["verdict"] == "READY":
        return (
            f"read reports/report.html, then `rlhf promote {registry.candidate['version']} --approver NAME`"
        )
    return "read reports/report.html; add feedback or change params.yaml, then `rlhf retrain`"
