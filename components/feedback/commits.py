"""How a batch comes into the store: it is made ready aside, and one rename commits it.

A batch's quarantine is written before its accepted rows: a kill between the two leaves no batch, and doing it again
ends as if nothing had happened.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.feedback.manifest import Manifest
from components.feedback.store import FEEDBACK, HELD, MANIFEST, QUALITY, QUARANTINE, REFUSED, folders
from components.files import replacing_directory, sweep_room, write_json
from components.locks import exclusive
from components.workspace import STATE

#: Beside the rooms, on the same disk: what is renamed into them is made here.
STAGING = "staging"
_RETIRED = "retired"
_COPIED_BYTES = 1 << 20


@contextmanager
def ingestion_lock(root: Path) -> Iterator[None]:
    """One change of the store at a time; the others wait. A process that dies lets go of it.

    What a killed process left half done is put right first: nobody reads the store before it is.
    """
    with exclusive(root.parent / STATE / "ingestion.lock"):
        _sweep(root)
        yield


@contextmanager
def staging(root: Path) -> Iterator[Path]:
    """An empty folder to make a batch in. Call it under the ingestion lock."""
    folder = root / STAGING
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        _sweep(root)


def replace_batch(root: Path, folder: Path, staged: Path) -> None:
    """Put a batch made in staging in the place of one in the store. Nothing half done is ever seen beside it."""
    retired = root / STAGING / _RETIRED / folder.parent.name / folder.name
    retired.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(retired)
    staged.rename(folder)


def remove_batch(root: Path, folder: Path) -> None:
    """Take a batch out of the store, as a whole."""
    gone = root / STAGING / folder.name
    gone.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(gone)
    _sweep(root)


def _sweep(root: Path) -> None:
    for retired in (root / STAGING / _RETIRED).glob("*/*"):
        place = root / retired.parent.name / retired.name
        if not place.exists():
            # Killed between two renames: what was there is still good.
            retired.rename(place)
    shutil.rmtree(root / STAGING, ignore_errors=True)
    for room in (QUARANTINE, FEEDBACK, HELD):
        sweep_room(root / room)
    for held in folders(root / HELD):
        if (root / FEEDBACK / held.name / MANIFEST).exists():
            # Released by somebody who died before it was gone.
            remove_batch(root, held)


def commit(
    root: Path, manifest: Manifest, rows: Path, refused: Iterable[Path], quality: dict[str, Any]
) -> Path:
    """Put a batch in its room, held or accepted; returns its folder there.

    Args:
        rows: the folder of its rows; it becomes the batch's folder.
        refused: files of refused rows, in their order.
        quality: what quality.json is to hold.
    """
    with replacing_directory(root / QUARANTINE / manifest.batch) as folder:
        _join(refused, folder / REFUSED)
        write_json(folder / MANIFEST, manifest.to_json())
    write_json(rows / QUALITY, quality)
    write_json(rows / MANIFEST, manifest.to_json())
    target = root / (HELD if manifest.status == "held" else FEEDBACK) / manifest.batch
    target.parent.mkdir(parents=True, exist_ok=True)
    rows.rename(target)
    return target


def commit_rejected(root: Path, manifest: Manifest) -> None:
    """Put a rejected batch on record; nothing of its content is kept."""
    with replacing_directory(root / QUARANTINE / manifest.batch) as folder:
        write_json(folder / MANIFEST, manifest.to_json())


def record_beside_refused(root: Path, manifest: Manifest) -> None:
    """Bring the record of a batch that lies beside its refused rows up to what has become of it."""
    twin = root / QUARANTINE / manifest.batch / MANIFEST
    if twin.exists():
        write_json(twin, manifest.to_json())


def _join(files: Iterable[Path], target: Path) -> None:
    with target.open("wb") as joined:
        for file in files:
            with file.open("rb") as part:
                shutil.copyfileobj(part, joined, _COPIED_BYTES)
        joined.flush()
        os.fsync(joined.fileno())
