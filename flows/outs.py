"""What stages wrote, held against the digests that were taken of it: DVC itself trusts a file by its time and size."""

from __future__ import annotations

from pathlib import Path

from components.tracking import dvc_cache
from components.tracking.lineage import read_lock


def damaged(root: Path, stage: str) -> list[str]:
    """The files of a stage's outputs that are not what it wrote, or missing; what DVC's cache forgot is not known."""
    outs = read_lock(root)[stage].outs.items()
    return sorted(name for path, md5 in outs for name in damaged_files(root, path, md5))


def discard(root: Path, stage: str, names: list[str]) -> None:
    """Remove damaged files, and what is damaged of the stage in DVC's cache: running the stage brings all back."""
    for name in names:
        (root / name).unlink(missing_ok=True)
    for path, md5 in read_lock(root)[stage].outs.items():
        discard_cached(root, path, md5)


def damaged_files(root: Path, path: str, md5: str) -> list[str]:
    """The files of what DVC keeps at `path` that differ from what it put into its cache, or are missing."""
    files = _files(root, path, md5).items()
    return [
        name
        for name, expected in files
        if not (root / name).is_file() or dvc_cache.md5_file(root / name) != expected
    ]


def discard_cached(root: Path, path: str, md5: str) -> None:
    """Remove what is damaged of it in DVC's cache."""
    for each in {md5, *_files(root, path, md5).values()}:
        if dvc_cache.cached(root, each).exists() and not dvc_cache.is_sound(root, each):
            dvc_cache.cached(root, each).unlink()


def _files(root: Path, path: str, md5: str) -> dict[str, str]:
    """MD5 of each file of an output, by its path; nothing where the listing of a folder is gone or damaged."""
    if not md5.endswith(".dir"):
        return {path: md5}
    if not dvc_cache.cached(root, md5).exists() or not dvc_cache.is_sound(root, md5):
        return {}
    return {f"{path}/{name}": each for name, each in (dvc_cache.listing(root, md5) or {}).items()}
