"""Files that are either the old or the new, never a mixture; and their SHA-256."""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

_RETIRED = ".retired.tmp"


@contextmanager
def replacing_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write that takes the place of `path` when the block ends without an error.

    What is too much for the memory can be written so; a reader sees the old content or the new one. What a killed
    writer left beside it is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep_dead_writers(path)
    staged = _name_beside(path)
    try:
        with _open_marked(staged) as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def _sweep_dead_writers(path: Path) -> None:
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with suppress(OSError), leftover.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            leftover.unlink()


def _open_marked(staged: Path) -> BinaryIO:
    """A new file, locked as long as this process lives: so the next writer tells it from one of a killed process."""
    while True:
        handle = staged.open("wb")
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle.fileno()).st_nlink:
            return handle
        # Swept between the two lines above.
        handle.close()


def _name_beside(path: Path) -> Path:
    """Hidden, and on the same disk: it can take the place of `path` by a rename."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: a reader sees the old content or the new one."""
    with replacing_file(path) as handle:
        handle.write(content)


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically. NaN and Infinity are refused: JSON has no such numbers."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def replacing_directory(path: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `path` when the block ends without an error.

    A kill in the block leaves `path` as it was, beside a hidden folder that the next call sweeps.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep_leftovers(path)
    staged = _name_beside(path)
    staged.mkdir()
    try:
        yield staged
        _swap(staged, path)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def sweep_leftovers(path: Path) -> None:
    """Put right and remove what a killed writer of `path` left beside it, as far as that can be removed."""
    _sweep(path.parent.glob(f".{path.name}.*.tmp"), ignore_errors=True)


def sweep_room(room: Path) -> None:
    """Put right and remove what killed writers of folders in `room` left there.

    Raises:
        OSError: something cannot be removed.
    """
    _sweep(room.glob(".*.tmp"), ignore_errors=False)


def _sweep(leftovers: Iterable[Path], *, ignore_errors: bool) -> None:
    for leftover in leftovers:
        place = still_good(leftover)
        if place is not None:
            leftover.rename(place)
        elif leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=ignore_errors)
        else:
            leftover.unlink(missing_ok=True)


def still_good(leftover: Path) -> Path | None:
    """Where it belongs, of a folder whose writer was killed between the two renames: nothing has come in its place."""
    place = leftover.with_name(leftover.name.removeprefix(".").removesuffix(_RETIRED))
    return place if leftover.name.endswith(_RETIRED) and not place.exists() else None


def _swap(staged: Path, path: Path) -> None:
    retired = _retired(path)
    if path.exists():
        path.rename(retired)
    try:
        staged.rename(path)
    except OSError:
        if retired.exists():
            retired.rename(path)
        raise
    shutil.rmtree(retired, ignore_errors=True)


def _retired(path: Path) -> Path:
    """Where the old folder waits while the new one takes its place."""
    return path.with_name(f".{path.name}{_RETIRED}")


def sha256_bytes(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sha256_file(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def digest_tree(folder: Path) -> dict[str, str]:
    """SHA-256 of each file below `folder`, by its POSIX path relative to it, sorted."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in files}


def digest_of(tree: dict[str, str]) -> str:
    """One SHA-256 for a whole tree, from the digests of its files."""
    return sha256_bytes(json.dumps(tree, sort_keys=True).encode("utf-8"))
