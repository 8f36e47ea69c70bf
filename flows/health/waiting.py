"""What waits for a person: a batch that is held, a candidate that nobody has decided on."""

from __future__ import annotations

from pathlib import Path

from components.errors import RlhfError
from components.feedback.store import list_manifests
from components.tracking.overview import look
from components.tracking.verdict import READY


def waits(root: Path) -> list[dict[str, str]]:
    """What waits for whom: batches for the data engineer, a READY candidate for a reviewer.

    Raises:
        RegistryError: MLflow cannot be reached.
    """
    held = [batch.batch for batch in list_manifests(root / "data") if batch.status == "held"]
    found = [
        {"for": "data engineer", "what": f"batch {name}", "do": f"rlhf feedback show {name}"} for name in held
    ]
    registry = look(root)
    candidate, champion = registry.candidate or {}, registry.champion or {}
    in_production = champion.get("candidate") == candidate.get("version")
    if candidate.get("verdict") == READY and not in_production and not candidate["answer"]:
        number = candidate["version"]
        what = f"candidate {candidate['name']} version {number}"
        found.append({"for": "reviewer", "what": what, "do": f"rlhf promote {number} --approver NAME"})
    return found


def waits_or_why(root: Path) -> list[dict[str, str]]:
    """The same; where MLflow cannot be reached, that waits for the operator."""
    try:
        return waits(root)
    except RlhfError as error:
        return [{"for": "operator", "what": error.message, "do": error.remedy}]
