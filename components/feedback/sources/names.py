"""Names for files that are moved beside others: no other is overwritten, and no name is too long."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from components.files import read_json

#: A file system takes 255 bytes; a report's ending and the name of the file it is staged in come on top.
_MAX_BYTES = 180


def free_name(folder: Path, name: str, report: str, batch: str) -> str:
    """A name in `folder` that is free for a file and its report: `name`, else with -2, -3 ... before its endings.

    Args:
        report: ending of a report's name.
        batch: a report of this batch that stands alone is what a killed run left of the same file: it is
            written again.
    """
    return next(
        candidate
        for candidate in _candidates(name)
        if not is_there(folder / candidate) and _is_free(folder / f"{candidate}{report}", batch)
    )


def file_in(folder: Path, name: str) -> Path:
    """A path in `folder` that is free, named as `name` or much like it."""
    return next(path for candidate in _candidates(name) if not is_there(path := folder / candidate))


def _candidates(name: str) -> Iterator[str]:
    dot = name.find(".", 1)
    stem, endings = (name, "") if dot < 0 else (name[:dot], name[dot:])
    endings = _cut(endings, _MAX_BYTES // 2)
    stem = _cut(stem, _MAX_BYTES - len(os.fsencode(endings)))
    yield f"{stem}{endings}"
    yield from (f"{stem}-{number}{endings}" for number in count(2))


def _cut(text: str, size: int) -> str:
    encoded = os.fsencode(text)
    return text if len(encoded) <= size else encoded[:size].decode("utf-8", "ignore")


def is_there(path: Path) -> bool:
    """Whether the name is taken, be it by a link to nothing."""
    return path.is_symlink() or path.exists()


def _is_free(report: Path, batch: str) -> bool:
    if not is_there(report):
        return True
    try:
        return bool(read_json(report)["batch"] == batch)
    except (OSError, ValueError, KeyError, TypeError):
        return False
