"""What people are told of candidates and batches: figures and codes, never a word that somebody wrote as feedback."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.feedback.manifest import IngestResult
from components.feedback.store import HELD, MANIFEST, read_manifest
from components.files import read_json
from components.tracking.verdict import READY
from flows.news.notify import notify
from flows.news.outbox import News


def tell_candidate(root: Path, summary: dict[str, Any]) -> None:
    """Tell reviewers of a candidate that is READY, or why it is blocked; once a version."""
    candidate = summary["versions"]["candidate"]
    called = f"{candidate['name']} version {candidate['version']}"
    key = f"{candidate['name']}/{candidate['version']}"
    if summary["verdict"] == READY:
        body = f"Read its report, then `rlhf promote {candidate['version']} --approver NAME`."
        where = f"\nOr decide at {summary['asked']}" if summary["asked"] else ""
        notify(
            root, News("candidate_ready", key, f"{called} is READY: a reviewer is waited for", body + where)
        )
    else:
        body = "\n".join(["Gates that block it:", *_failed_gates(root), "reports/report.html says more."])
        notify(root, News("candidate_blocked", key, f"{called} is BLOCKED", body))


def _failed_gates(root: Path) -> Iterator[str]:
    """Their names and numbers. Their reasons may quote what models say."""
    path = root / "reports/gates.json"
    for gate in read_json(path)["gates"] if path.exists() else ():
        if not gate["passed"]:
            numbers = [
                f"{word} {gate[word]:.4g}" for word in ("measured", "threshold") if _is_number(gate.get(word))
            ]
            yield " ".join(["-", str(gate["name"]), *numbers])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def tell_batch(root: Path, result: IngestResult) -> None:
    """Tell the data engineer of a batch that waits, or that was not taken."""
    if result.status == "held":
        codes = ", ".join(_codes(root, result.batch)) or "see its page"
        body = (
            f"Why: {codes}\n`rlhf feedback show {result.batch}`, then `rlhf feedback release` or `refuse` it."
        )
        notify(root, News("batch_held", result.batch, f"batch {result.batch} waits for a person", body))
    elif result.status == "rejected":
        codes = ", ".join(sorted(result.reasons)) or "see its page"
        more = f"`rlhf feedback show {result.batch}` says more; mend it and bring it again."
        body = f"Nothing of it was kept: {codes}\n{more}"
        notify(root, News("batch_rejected", result.batch, f"batch {result.batch} was rejected", body))


def tell_left(root: Path, name: str, why: str) -> None:
    """Tell the data engineer of a file that stays in the inbox; once, however often it is tried."""
    body = f"It {why}.\nIt is tried again at each look."
    notify(root, News("batch_rejected", f"inbox {name} {why}", f"{name} stays in the inbox", body))


def _codes(root: Path, batch: str) -> list[str]:
    folder = root / "data" / HELD / batch
    findings = read_manifest(folder).findings if (folder / MANIFEST).exists() else []
    return sorted({str(finding["code"]) for finding in findings if finding["action"] == "hold"})
