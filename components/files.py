"""Files that are either the old or the new, never a mixture; and their SHA-256."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

_RETIRED = ".retired.tmp"


@contextmanager
def replacing_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write that takes the place of `path` when the block ends without an error.

    What is too much for the memory can be written so; a reader sees the old content or the new one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with staged.open("wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


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
    staged = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
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
        place = leftover.with_name(leftover.name.removeprefix(".").removesuffix(_RETIRED))
        if leftover.name.endswith(_RETIRED) and not place.exists():
            # Killed between the two renames: what was there is still good.
            leftover.rename(place)
        elif leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=ignore_errors)
        else:
            leftover.unlink(missing_ok=True)


def _swap(staged: Path, path: Path) -> None:
    retired = _retired(path)
    if path.exists():
        path.rename(retired)
    staged.rename(path)
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
