"""What people did with a batch, and which batch they mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from components.errors import FeedbackError
from components.feedback import store
from components.feedback.manifest import Manifest
from components.workspace import current_user


def with_event(manifest: Manifest, what: str, why: str) -> Manifest:
    """The manifest with one more event: who did what, when and why."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    event = {"what": what, "by": current_user(), "at": at, "why": why}
    return replace(manifest, events=[*manifest.events, event])


def find_folder(root: Path, room: str, batch: str) -> Path:
    """The folder of a batch in data/feedback, data/held or data/quarantine.

    Raises:
        FeedbackError: there is none of this name.
    """
    # Compared, not joined: a name from outside is never a path.
    found = next((folder for folder in store.folders(root / room) if folder.name == batch), None)
    if found is None:
        there = ", ".join(folder.name for folder in store.folders(root / room)) or "none"
        raise FeedbackError(
            f"there is no batch {batch[:80]!a} in data/{room}", f"`rlhf feedback list`; there: {there}"
        )
    return found
