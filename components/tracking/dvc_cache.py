"""What DVC's cache holds, by DVC's own digests: a file lies there under its MD5, a folder as a listing of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from components.files import read_json

CACHE = Path(".dvc/cache/files/md5")
#: What the MD5 of a folder's listing ends with.
FOLDER = ".dir"


def cached(root: Path, md5: str) -> Path:
    """Where the cache keeps what has this MD5; it need not be there."""
    return place(root / CACHE, md5)


def place(cache: Path, md5: str) -> Path:
    """The same in any cache or remote of DVC's layout."""
    return cache / md5[:2] / md5[2:]


def listing(root: Path, md5: str) -> dict[str, str] | None:
    """MD5 of each file of a folder that DVC keeps, by its path in it; None where that is not in the cache."""
    return listing_in(root / CACHE, md5)


def listing_in(cache: Path, md5: str) -> dict[str, str] | None:
    path = place(cache, md5)
    if not md5.endswith(FOLDER) or not path.exists():
        return None
    return {item["relpath"]: item["md5"] for item in read_json(path)}


def md5_file(path: Path) -> str:
    """As DVC computes it: to compare with what it says, not to keep anyone out."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def is_sound(root: Path, md5: str) -> bool:
    """Whether a file or a listing that is in the cache is what its MD5 says. DVC itself trusts a read-only file."""
    return md5_file(cached(root, md5)) == md5.removesuffix(FOLDER)
