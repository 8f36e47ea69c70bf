"""Recomputes the digests of what a version was made from: the feedback on disk, and what DVC keeps of its stages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.errors import FeedbackError
from components.feedback import store
from components.feedback.manifest import Manifest
from components.files import sha256_file
from components.tracking import dvc_cache
from components.tracking.erasures import has_left
from components.tracking.findings import Findings
from components.tracking.lineage import FEEDBACK


def feedback(root: Path, lineage: Mapping[str, Any]) -> Findings:
    """The batches that the version learned from: their rows against their manifests, and against what it read."""
    found = Findings()
    there = {folder.name: folder for folder in store.folders(root / FEEDBACK)}
    for batch in lineage["feedback_batches"]:
        if batch in there:
            _batch(there[batch], lineage, found)
        else:
            found.unchecked.append(f"{FEEDBACK}/{batch} is not here")
    return found


def _batch(folder: Path, lineage: Mapping[str, Any], found: Findings) -> None:
    try:
        manifest = store.read_manifest(folder)
    except FeedbackError as error:
        found.mismatches.append(f"{FEEDBACK}/{error.message}")
        return
    before = len(found.mismatches)
    for name, sha256 in manifest.parts.items():
        _part(folder / name, sha256, found)
    if manifest.status == "withdrawn":
        found.unchecked.append(f"{FEEDBACK}/{folder.name} was withdrawn since: {manifest.message}")
    elif len(found.mismatches) == before:
        _as_it_was_read(folder, manifest, lineage, found)


def _part(path: Path, sha256: str, found: Findings) -> None:
    name = f"{FEEDBACK}/{path.parent.name}/{path.name}"
    if not path.exists():
        found.mismatches.append(f"{name} is missing")
    elif (actual := sha256_file(path)) != sha256:
        found.mismatches.append(f"{name}: SHA-256 is {actual[:12]}, its manifest says {sha256[:12]}")
    else:
        found.matching += 1


def _as_it_was_read(folder: Path, manifest: Manifest, lineage: Mapping[str, Any], found: Findings) -> None:
    """A manifest that was changed along with its rows is right by itself; what the version read has other digests."""
    files = (lineage.get("feedback_files") or {}).items()
    read = {path: md5 for path, md5 in files if Path(path).parts[0] == folder.name}
    if not read:
        found.unchecked.append(f"{FEEDBACK}/{folder.name}: what the version read of it was not recorded")
    for path, md5 in read.items():
        here = folder / Path(path).name
        if here.exists() and dvc_cache.md5_file(here) == md5:
            continue
        if has_left(manifest, lineage):
            found.unchecked.append(f"{FEEDBACK}/{path}: rows or votes of it were withdrawn since")
        else:
            what = "is not what the version learned from, and nothing of it was withdrawn"
            found.mismatches.append(f"{FEEDBACK}/{path} {what}")


def outputs(root: Path, lineage: Mapping[str, Any]) -> Findings:
    """What DVC's cache holds of the stages' outputs and of the feedback, against the digests in the lineage."""
    found = Findings()
    for path, md5 in {FEEDBACK: lineage["feedback"], **lineage["dvc"]}.items():
        if md5:
            _output(root, path, md5, found)
    return found


def _output(root: Path, path: str, md5: str, found: Findings) -> None:
    """One output: a file, or a folder with its listing and the files in that."""
    if not dvc_cache.cached(root, md5).exists():
        found.unchecked.append(f"{path} is gone from DVC's cache")
        return
    _check_object(root, path, md5, found)
    files = (_listing(root, md5) or {}).items()
    there = [(name, each) for name, each in files if dvc_cache.cached(root, each).exists()]
    for name, each in there:
        _check_object(root, f"{path}/{name}", each, found)
    if len(there) < len(files):
        gone = len(files) - len(there)
        found.unchecked.append(f"{path}: {gone} of {len(files)} files are gone from DVC's cache")


def _listing(root: Path, md5: str) -> dict[str, str] | None:
    try:
        return dvc_cache.listing(root, md5)
    except (ValueError, TypeError, KeyError):
        # No listing any more: its own digest has told.
        return None


def _check_object(root: Path, path: str, md5: str, found: Findings) -> None:
    if dvc_cache.is_sound(root, md5):
        found.matching += 1
    else:
        where = dvc_cache.cached(root, md5).relative_to(root)
        found.mismatches.append(f"{path} in DVC's cache ({where}) is not what its MD5 says")
