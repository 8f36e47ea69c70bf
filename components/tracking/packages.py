"""The files of a version: put together on disk, uploaded whole, checked, and only then registered."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import ModelError, RegistryError
from components.files import digest_tree, write_json
from components.locks import exclusive, is_held
from components.tracking.manifest import MANIFEST, REMEDY, manifest_of, verify
from components.tracking.tracker import Tracker, without_login
from components.workspace import STATE


@contextmanager
def staging(root: Path) -> Iterator[Path]:
    """An empty folder beside the workspace's state, gone after the block; those of killed processes are swept."""
    parent = root / STATE / "tmp"
    _sweep_of_the_dead(parent)
    folder = parent / uuid.uuid4().hex
    # Held as long as this process lives: so the next one knows what nobody needs any more.
    with exclusive(_mark(folder)):
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            _mark(folder).unlink(missing_ok=True)


def _sweep_of_the_dead(parent: Path) -> None:
    for mark in parent.glob("*.lock"):
        if not is_held(mark):
            shutil.rmtree(mark.with_suffix(""), ignore_errors=True)
            mark.unlink(missing_ok=True)


def _mark(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def link_tree(source: Path, target: Path) -> None:
    """The files of `source` below `target`, without a second copy of their bytes where the disk allows it."""
    shutil.copytree(source, target, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def seal(folder: Path) -> str:
    """Write the manifest of all files in `folder`; returns the digest of them all."""
    manifest = manifest_of(digest_tree(folder))
    write_json(folder / MANIFEST, manifest)
    return str(manifest["digest"])


def upload(tracker: Tracker, run: str, folder: Path, place: str, digest: str) -> str:
    """Copy a sealed folder into a run's artefacts, read it back and check it; returns its URI.

    Raises:
        ModelError: what was read back is not what was sent.
    """
    tracker.client.log_artifacts(run, str(folder), place)
    source = f"{tracker.client.get_run(run).info.artifact_uri.rstrip('/')}/{place}"
    with staging(tracker.root) as scratch:
        verify(fetch(tracker, source, scratch), digest)
    return source


def discard(tracker: Tracker, run: str, place: str | None = None) -> None:
    """Remove a run's artefacts, or the folder `place` of them. What is gone already is no fault.

    Raises:
        RegistryError: the store refuses, or cannot be reached.
    """
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    from requests import RequestException

    uri = tracker.client.get_run(run).info.artifact_uri
    try:
        get_artifact_repository(uri, tracking_uri=tracker.uri).delete_artifacts(place)
    except (RequestException, NotImplementedError) as error:
        raise RegistryError(
            f"MLflow's artefact store does not remove {uri}: {without_login(str(error))}",
            "its administrator can: `mlflow gc`",
        ) from None


def size_of(tracker: Tracker, run: str, place: str | None = None) -> int:
    """Bytes of a run's artefacts, or of the folder `place` of them."""
    found = tracker.client.list_artifacts(run, place)
    return sum(size_of(tracker, run, each.path) if each.is_dir else each.file_size or 0 for each in found)


def is_local(source: str) -> bool:
    """Whether artefacts at this URI are files of this machine."""
    return source.startswith("file:")


def fetch(tracker: Tracker, source: str, scratch: Path) -> Path:
    """A local folder with the artefacts at `source`: the very files of a local store, else a download.

    Raises:
        ModelError: the store has no such folder.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    target = None if is_local(source) else str(scratch)
    try:
        return Path(download_artifacts(artifact_uri=source, dst_path=target, tracking_uri=tracker.uri))
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise ModelError(f"{source} not found", REMEDY) from None
