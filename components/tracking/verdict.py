"""What the gates said of a candidate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.files import read_json

READY, BLOCKED = "READY", "BLOCKED"


@dataclass(frozen=True)
class Verdict:
    """READY, or BLOCKED with the reason of each gate that failed."""

    verdict: str
    reasons: tuple[str, ...]

    @property
    def is_ready(self) -> bool:
        return self.verdict == READY


def read_verdict(path: Path) -> Verdict:
    """The verdict in gates.json. No file, or no gate in it, is BLOCKED: nothing was measured."""
    if not path.exists():
        return Verdict(BLOCKED, ("no gates were measured",))
    content = _gates_file(path)
    gates = content["gates"]
    failed = tuple(
        f"{gate.get('name')}: {gate.get('reason')}" for gate in gates if gate.get("passed") is not True
    )
    if content.get("verdict") == READY and gates and not failed:
        return Verdict(READY, ())
    return Verdict(BLOCKED, failed or ("no gates were measured",))


def _gates_file(path: Path) -> dict[str, Any]:
    """Its content; no gates where it is not what `evaluate` writes."""
    try:
        content = read_json(path)
    except ValueError:
        content = None
    gates = content.get("gates") if isinstance(content, dict) else None
    if not isinstance(gates, list) or not all(isinstance(gate, dict) for gate in gates):
        return {"gates": []}
    return {"verdict": content.get("verdict"), "gates": gates}
