"""Something that may go, and how it goes."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from components.config.retention import RetentionParams

DAY_S = 86_400.0
#: Of `st_blocks`, on every system.
_BLOCK = 512


@dataclass(frozen=True)
class Policy:
    """What stays, and what time it is.

    Attributes:
        now: seconds since 1970, by which ages are told.
    """

    params: RetentionParams
    now: float

    def is_young(self, changed: float) -> bool:
        """Whether something that changed then (seconds since 1970) is within the grace period."""
        return self.is_within(changed, self.params.grace_days)

    def is_within(self, changed: float, days: float) -> bool:
        return self.now - changed < days * DAY_S


@dataclass(frozen=True)
class Item:
    """Attributes:
    kind: what it is, in the plural; items of one kind and reason make a line of the table.
    name: which one.
    size: bytes of disk that are free when it is gone.
    why: it may go.
    remove: called once; raises RegistryError or OSError.
    """

    kind: str
    name: str
    size: int
    why: str
    remove: Callable[[], None]


def of_path(kind: str, path: Path, root: Path, why: str) -> Item:
    """A file or folder of the workspace."""
    return Item(kind, path.relative_to(root).as_posix(), freed(path), why, lambda: discard(path))


def discard(path: Path) -> None:
    """Remove a file or folder; one that is gone already is no fault.

    Raises:
        OSError: it cannot be removed.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def changed_at(path: Path) -> float:
    """When a file, or the newest below a folder, last changed; renames and new permissions count."""
    return max((max(state.st_mtime, state.st_ctime) for state in _states([path])), default=time.time())


def freed(path: Path) -> int:
    """Bytes on the disk that are free when this is gone: what has another name elsewhere stays."""
    return sum(state.st_blocks * _BLOCK for state in _states([path]) if state.st_nlink == 1)


def used(folders: Iterable[Path]) -> int:
    """Bytes on the disk below these folders, each file once however many names it has."""
    found = {(state.st_dev, state.st_ino): state.st_blocks * _BLOCK for state in _states(folders)}
    return sum(found.values())


def _states(paths: Iterable[Path]) -> Iterable[os.stat_result]:
    for path in paths:
        each = [path] if not path.is_dir() or path.is_symlink() else [path, *path.rglob("*")]
        for one in each:
            try:
                state = one.lstat()
            except FileNotFoundError:
                continue
            if not one.is_dir() or one.is_symlink() or one == path:
                yield state
