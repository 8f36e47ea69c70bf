"""What a disk refuses, in words a person can act on."""

from __future__ import annotations

import errno
import re
import shutil
from pathlib import Path

from components.errors import DiskError

_REMEDIES = {
    errno.ENOSPC: "free some space on that disk, then start it again: it goes on where it can",
    errno.EDQUOT: "free some space or raise the quota, then start it again: it goes on where it can",
    errno.EROFS: "mount that disk writable, then start it again",
    errno.EACCES: "give this user the right to write there, then start it again",
    errno.EPERM: "give this user the right to write there, then start it again",
    errno.EIO: "look at the disk and the system's log: it may be failing",
}
#: A disk with less is full: what failed there may have been half written, and removed since.
FULL_BYTES = 1 << 20
#: How safetensors, written in Rust, tells of the same.
_IN_TEXT = re.compile(r"\(os error (\d+)\)")


def refused_by_disk(error: BaseException) -> DiskError | None:
    """The error to show where `error` or what caused it is the disk's; None where it is something else."""
    seen: BaseException | None = error
    while seen is not None:
        number = _number(seen)
        if number in _REMEDIES:
            where = getattr(seen, "filename", None)
            what = getattr(seen, "strerror", None) or str(seen)
            return DiskError(f"{what}{f': {where}' if where else ''}", _REMEDIES[number or 0])
        seen = seen.__cause__ or seen.__context__
    return _full_disk(error)


def _full_disk(error: BaseException) -> DiskError | None:
    """Some libraries, polars among them, do not say why they could not write."""
    if shutil.disk_usage(Path.cwd()).free >= FULL_BYTES:
        return None
    what = f"No space left on device: {Path.cwd()} ({type(error).__name__}: {error})"
    return DiskError(what, _REMEDIES[errno.ENOSPC])


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = _IN_TEXT.search(str(error))
    return int(found[1]) if found else None
