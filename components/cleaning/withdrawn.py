"""Where feedback that people withdrew is still kept: a version that stays has learned from it, or git names it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.cleaning.dvc_objects import stores
from components.cleaning.keeping import Key
from components.cleaning.references import at_head, md5s, members
from components.errors import FeedbackError
from components.feedback import store
from components.feedback.manifest import Manifest
from components.tracking.dvc_cache import md5_file, place
from components.tracking.erasures import has_left
from components.tracking.lineage import FEEDBACK

#: What a person can do about it stands here, beside the names of versions.
HEAD = "git's last commit (commit data/feedback.dvc, then clean again)"


def still_held(root: Path, lineages: Mapping[Key, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Versions by batch: each learned from rows that were withdrawn since, and DVC still has these rows for it.

    Among them git's last commit, where data/feedback.dvc was not committed after a withdrawal.
    """
    held: dict[str, set[str]] = defaultdict(set)
    called = {f"{name} version {number}": lineage for (name, number), lineage in lineages.items()}
    for name, lineage in (*called.items(), (HEAD, {"feedback_files": _files_at_head(root)})):
        for path, md5 in (lineage.get("feedback_files") or {}).items():
            if _is_withdrawn(root, path, md5, lineage) and any(
                place(each, md5).exists() for each in stores(root)
            ):
                held[Path(path).parts[0]].add(name)
    return {batch: sorted(versions) for batch, versions in sorted(held.items())}


def _files_at_head(root: Path) -> dict[str, str]:
    return {
        path: md5
        for listing in md5s(at_head(root))
        for each in stores(root)
        for path, md5 in members(each, listing).items()
    }


def _is_withdrawn(root: Path, path: str, md5: str, lineage: Mapping[str, Any]) -> bool:
    """Whether rows or votes left this file since it was learned from."""
    folder = root / FEEDBACK / Path(path).parts[0]
    manifest = _manifest(folder)
    if manifest is None or not has_left(manifest, lineage):
        return False
    here = root / FEEDBACK / path
    return not here.exists() or md5_file(here) != md5


def _manifest(folder: Path) -> Manifest | None:
    try:
        return store.read_manifest(folder)
    except (FeedbackError, OSError):
        return None
