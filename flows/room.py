"""Whether a retraining can write what it will write, asked before it changes anything."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from components.disk import refused_by_disk
from components.errors import DiskError
from components.workspace import STATE

#: What the least retraining takes, with room for logs and databases.
LEAST_BYTES = 200 << 20
#: Of what the last one wrote: once more for DVC's cache, once for the registry.
COPIES = 2
_WRITTEN_TO = (Path(), STATE, Path(".dvc"), Path("data"), Path("models"), Path("reports"))


def refuse_without_room(root: Path) -> None:
    """Raise DiskError where a folder may not be written to, or the disk has less room than the last run's outputs."""
    for folder in (root / each for each in _WRITTEN_TO):
        if folder.exists():
            _try_writing(folder)
    free, needed = shutil.disk_usage(root).free, needed_bytes(root)
    if free < needed:
        raise DiskError(
            f"{root} has {free >> 20} MB of free space; a retraining needs {needed >> 20} MB",
            "free some space on that disk, then `rlhf retrain`; nothing was changed",
        )


def needed_bytes(root: Path) -> int:
    """By what the last retraining wrote, or the least where there was none."""
    lock = root / "dvc.lock"
    stages = yaml.safe_load(lock.read_text(encoding="utf-8")).get("stages", {}) if lock.exists() else {}
    return max(LEAST_BYTES, COPIES * sum(_sizes(stages)))


def _sizes(stages: dict[str, Any]) -> Iterator[int]:
    for stage in stages.values():
        for out in stage.get("outs", []):
            yield int(out.get("size", 0))


def _try_writing(folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        refused = refused_by_disk(error)
        if refused is None:
            raise
        raise DiskError(f"{folder} may not be written to: {error.strerror}", refused.remedy) from None
