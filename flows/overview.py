"""Where the loop stands, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.errors import BusyError
from components.evaluation.opinions.evidence import evidence
from components.feedback.store import list_manifests
from components.stages.running import at_work
from components.tracking.overview import Registry, look
from flows import dvc
from flows.graph import stage_order

#: The state of a stage while another is at work.
UNKNOWN = "not known while one runs"


def overview(root: Path) -> dict[str, Any]:
    """Batches, stages, runs, candidate, champion, second opinions and the next step, as JSON-ready values."""
    batches = [_batch(manifest) for manifest in list_manifests(root / "data")]
    stages = _stages(root)
    registry = look(root)
    return {
        "batches": batches,
        "stages": stages,
        "runs": registry.runs,
        "candidate": _with_withdrawn(registry.candidate, batches),
        "champion": _with_withdrawn(registry.champion, batches),
        "opinions": evidence(root),
        "next": _next(batches, stages, registry),
    }


def _batch(manifest: Any) -> dict[str, Any]:
    content: dict[str, Any] = manifest.to_json()
    return content


def _with_withdrawn(version: dict[str, Any] | None, batches: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The version, and what it learned from that was withdrawn since: rows by batch."""
    if version is None:
        return None
    before = version["withdrawn_before"]
    gone = {batch["batch"]: batch["withdrawn"] - before.get(batch["batch"], 0) for batch in batches}
    since = {name: gone[name] for name in version["feedback_batches"] if gone.get(name, 0) > 0}
    return version | {"withdrawn_since": since}


def _stages(root: Path) -> list[dict[str, str]]:
    """Of all stages; while one writes, DVC tells nothing of any."""
    try:
        stale = dvc.stale(root, patience_s=0.0)
    except BusyError:
        running = at_work(root)
        return [
            {"stage": name, "state": "running" if name in running else UNKNOWN} for name in stage_order(root)
        ]
    return [
        {"stage": name, "state": "to run" if name in stale else "up to date"} for name in stage_order(root)
    ]


def _next(batches: list[dict[str, Any]], stages: list[dict[str, str]], registry: Registry) -> str:
    if not any(batch["status"] == "accepted" for batch in batches):
        return "`rlhf ingest data/samples/*`, or your own files"
    if any(stage["state"] in ("running", UNKNOWN) for stage in stages):
        return "wait until the stages are over; `rlhf status` again then"
    if registry.candidate is None or any(stage["state"] == "to run" for stage in stages):
        return "`rlhf retrain`"
    champion = registry.champion or {}
    if champion.get("candidate") == registry.candidate["version"]:
        return '`rlhf generate "PROMPT"`, and `rlhf ingest FILE` once there is new feedback'
    if registry.candidate["verdict"] == "READY":
        compare = "`rlhf diff champion candidate`, " if champion else ""
        return (
            f"read reports/report.html, {compare}then "
            f"`rlhf promote {registry.candidate['version']} --approver NAME`"
        )
    return "read reports/report.html; add feedback or change params.yaml, then `rlhf retrain`"
