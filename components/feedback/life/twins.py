"""What a batch has beside its refused rows, in line with the batch itself again where somebody died between the two."""

from __future__ import annotations

import shutil
from pathlib import Path

from components.feedback import commits, store
from components.files import replacing_directory, write_json


def finish_decisions(root: Path) -> None:
    """A batch that waits has its rows in data/held alone; a decision that was killed left them beside the refused ones.

    Call it under the ingestion lock.
    """
    for held in store.folders(root / store.HELD):
        twin = root / store.QUARANTINE / held.name
        if store.parts_of(twin):
            _keep_refused(twin, held)


def _keep_refused(twin: Path, held: Path) -> None:
    with replacing_directory(twin) as folder:
        of_rows = shutil.ignore_patterns("*.parquet", store.QUALITY)
        shutil.copytree(twin, folder, dirs_exist_ok=True, ignore=of_rows)
        write_json(folder / store.MANIFEST, store.read_manifest(held).to_json())


def mend_twin(root: Path, folder: Path) -> None:
    """Give a batch that is accepted or waits the same record beside its refused rows as it has itself."""
    manifest, twin = store.read_manifest(folder), root / store.QUARANTINE / folder.name
    is_there = folder != twin and (twin / store.MANIFEST).exists()
    if is_there and store.read_manifest(twin) != manifest:
        commits.record_beside_refused(root, manifest)
