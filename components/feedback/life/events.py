"""What people did with a batch, and which batch they mean."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
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


def find_batch(root: Path, batch: str) -> str:
    """The name of a batch that is on record, whatever became of it.

    Raises:
        FeedbackError: there is none of this name.
    """
    known = [manifest.batch for manifest in store.list_manifests(root)]
    if batch not in known:
        raise _unknown(batch, "data", known)
    return batch


def find_folder(root: Path, room: str, batch: str) -> Path:
    """The folder of a batch in data/feedback, data/held or data/quarantine.

    Raises:
        FeedbackError: there is none of this name.
    """
    # Compared, not joined: a name from outside is never a path.
    found = next((folder for folder in store.folders(root / room) if folder.name == batch), None)
    if found is None:
        raise _unknown(batch, f"data/{room}", [folder.name for folder in store.folders(root / room)])
    return found


def _unknown(batch: str, where: str, known: Sequence[str]) -> FeedbackError:
    near = difflib.get_close_matches(batch, known, n=3, cutoff=0.3)
    remedy = f"is it {' or '.join(near)}?" if near else "see `rlhf feedback list`"
    return FeedbackError(f"there is no batch {batch[:80]!a} in {where}", remedy)
