"""What a person said on the pages, before it was exported or since: forgotten when their feedback is withdrawn."""

from __future__ import annotations

from pathlib import Path

from components.collecting import store as collected
from components.collecting.erasing import erase
from components.serving import thumbs
from flows.exports import exporting


def forget(root: Path, name: str) -> dict[str, int]:
    """How many judgements and thumbs each page's database held of a person; they are gone when this returns.

    Raises:
        BusyError: an export is at work, which may be writing them to a file.
    """
    gone = {}
    if (path := root / collected.DATABASE).exists():
        with exporting(path):
            gone["rlhf collect"] = erase(collected.Store(path), name)
    if (path := root / thumbs.DATABASE).exists():
        with exporting(path):
            gone["rlhf chat"] = thumbs.Thumbs(path).erase(name)
    return {page: count for page, count in gone.items() if count}
