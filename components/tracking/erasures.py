"""What left a batch after a version learned from it, by the batch's manifest and the version's lineage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.feedback.manifest import Manifest


def erasures_since(manifest: Manifest, lineage: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What people withdrew of the batch since the version's first stage read it, the oldest first.

    Counted where the lineage tells how often it had been before; else by the time when the version was registered: what
    was withdrawn while it trained is missed then.
    """
    events = [event for event in manifest.events if event["what"] == "withdrawn"]
    if "erasures_before" in lineage:
        return events[int(lineage["erasures_before"].get(manifest.batch, 0)) :]
    return [event for event in events if event["at"] >= lineage.get("created_at", "")]


def has_left(manifest: Manifest, lineage: Mapping[str, Any]) -> bool:
    """Whether rows or votes left it since: one person's votes leave the number of rows as it was."""
    before = (lineage.get("withdrawn_before") or {}).get(manifest.batch, 0)
    return manifest.withdrawn > before or bool(erasures_since(manifest, lineage))
