"""What was found of a batch as a whole, after rows left it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from components.config import FeedbackParams
from components.feedback import store
from components.feedback.manifest import Manifest
from components.feedback.quality.assess import assess
from components.feedback.quality.findings import Quality
from components.files import write_json

_NOTHING_LEFT = "what it waited for left with the rows that were withdrawn"
_BEFORE = {"message": "found when the batch came in; rows were withdrawn since", "figures": {}}


def assess_again(root: Path, rows: Path, recent: Iterable[str], params: FeedbackParams) -> Quality:
    """Look at a batch that waits or is released, as ingestion did.

    Args:
        rows: the folder of the rows that are left; recent: the newest accepted batches (index.py).
    """
    past = store.scan_recent(root, recent, params.hold.shift_days)
    return assess(store.scan_rows(rows), past, params)


def with_findings(manifest: Manifest, quality: Quality) -> Manifest:
    """The record of a batch with what is found of it now; of one that waits also with why."""
    findings = [finding.to_json() for finding in quality.findings]
    why = "; ".join(finding.message for finding in quality.holds) or _NOTHING_LEFT
    message = why if manifest.status == "held" else manifest.message
    return replace(manifest, findings=findings, message=message)


def without_numbers(manifest: Manifest) -> Manifest:
    """The record of a batch of which rows were withdrawn after a person, or nobody, had to decide about it."""
    findings = [finding | _BEFORE for finding in manifest.findings] if manifest.accepted else []
    return replace(manifest, findings=findings)


def write_quality(folder: Path, quality: Quality) -> None:
    write_json(folder / store.QUALITY, quality.to_json())
