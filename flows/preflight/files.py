"""Room on the disk, and folders that can be written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from components.config.servers import ServersParams
from components.workspace import STATE
from flows.preflight.findings import Finding, ok, problem, warning

_GB = 1e9
#: With less than so many times what must be free, one is told in time.
_SOON = 2.0
_WRITTEN = (".", ".rlhf", ".dvc", ".dvc/cache", "data", "data/feedback", "models", "reports", ".git")


def check_disk(root: Path, servers: ServersParams) -> Iterator[Finding]:
    room = root / STATE
    free = shutil.disk_usage(nearest(room)).free / _GB
    told = f"{free:.1f} GB are free where {room} lies; servers.min_free_gb is {servers.min_free_gb:g}"
    remedy = "free some room, or lower servers.min_free_gb in params.yaml"
    if free < servers.min_free_gb:
        yield problem("disk", told, remedy)
    elif free < _SOON * servers.min_free_gb:
        yield warning("disk", told, remedy)
    else:
        yield ok("disk", told)


def check_folders(root: Path, _servers: ServersParams) -> Iterator[Finding]:
    """Each folder that is written, or where it is missing the one that it would be made in."""
    closed = sorted({nearest(root / name) for name in _WRITTEN if not _writable(nearest(root / name))})
    for folder in closed:
        yield problem(
            "folders",
            f"{folder} cannot be written by user {os.getuid()}",
            f"`chown` or `chmod` it, or mount it for writing ({_owner(folder)})",
        )
    if not closed:
        yield ok("folders", "every folder that is written can be")


def nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def _owner(folder: Path) -> str:
    status = folder.stat()
    return f"it is user {status.st_uid}'s, mode {status.st_mode & 0o777:03o}"
