"""Small disks that may be filled or locked: tmpfs, mounted for a moment."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path


@cache
def may_mount() -> bool:
    """Whether this process may mount a tmpfs."""
    if os.getuid() != 0 or shutil.which("mount") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        if _mount(Path(folder), 1 << 20):
            return False
        subprocess.run(["umount", folder], check=True)
    return True


@contextmanager
def small_disk(place: Path, size: int) -> Iterator[Path]:
    """A tmpfs of `size` bytes at `place`, gone after the block."""
    place.mkdir(parents=True, exist_ok=True)
    status = _mount(place, size)
    if status:
        raise OSError(f"mount of a tmpfs failed with {status}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    """The disk takes no writes in the block, not even root's."""
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


def fill(filler: Path, disk: Path, left: int) -> None:
    """Write a file that leaves so many bytes on the disk."""
    filler.write_bytes(b"\0" * max(0, shutil.disk_usage(disk).free - left))


def _mount(place: Path, size: int) -> int:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    return subprocess.run(command, capture_output=True, check=False).returncode
