"""Mark and sweep of DVC's cache, of the remote within the workspace, and of what DVC could restore of earlier runs.

`dvc gc` knows neither the registered versions nor what they learned from. Only DVC's file formats are used here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from pathlib import Path

from components.cleaning.item import Item, Policy, changed_at, discard, freed, of_path
from components.cleaning.references import md5s, members
from components.errors import RlhfError
from components.tracking.dvc_cache import CACHE, FOLDER, place
from components.workspace import STATE

REMOTE = STATE / "dvc-remote/files/md5"
RUNS = Path(".dvc/cache/runs")
FEEDBACK, OUTPUTS, RESTORABLE = "earlier feedback in DVC", "earlier outputs in DVC", "earlier runs in DVC"
_OBJECT = re.compile(r"[0-9a-f]{32}(\.dir)?")
_ROWS = re.compile(r"[^/]+/(rows-\d+\.parquet|manifest\.json)")


def stores(root: Path) -> list[Path]:
    """The cache, and the remote where it lies in the workspace: whatever lies elsewhere others may use, too."""
    own = (root / CACHE, root / REMOTE)
    return [store for store in own if store.is_dir() and store.resolve().is_relative_to(root.resolve())]


def old_objects(root: Path, needed: Set[str], policy: Policy) -> Iterator[Item]:
    """What is not needed: the entries that name it first, listings last, so that what they name can be told again."""
    yield from _restorable(root, needed, policy)
    for store in stores(root):
        loose = {md5 for md5 in objects(store) if md5 not in needed}
        old = {md5 for md5 in loose if not policy.is_young(changed_at(place(store, md5)))}
        feedback = _of_feedback(store, loose)
        for md5 in sorted(old, key=lambda name: (name.endswith(FOLDER), name)):
            kind = FEEDBACK if md5 in feedback else OUTPUTS
            yield _object(root, place(store, md5), kind)


def objects(store: Path) -> Iterator[str]:
    """The MD5 of each object in a cache or remote."""
    for path in store.glob("??/*"):
        name = path.parent.name + path.name
        if _OBJECT.fullmatch(name) and path.is_file():
            yield name


def _object(root: Path, path: Path, kind: str) -> Item:
    def remove() -> None:
        discard(path)
        try:
            path.parent.rmdir()
        except OSError:
            # Others lie there.
            return

    where = "no version that stays, no commit of one and nothing at hand names it"
    return Item(kind, path.relative_to(root).as_posix(), freed(path), where, remove)


def _of_feedback(store: Path, loose: Set[str]) -> set[str]:
    """Which of these are listings of data/feedback as it once was, and the files in them."""
    found: set[str] = set()
    for md5 in (name for name in loose if name.endswith(FOLDER)):
        try:
            listed = members(store, md5)
        except RlhfError:
            continue
        if any(_ROWS.fullmatch(path) for path in listed):
            found |= {md5, *listed.values()}
    return found


def _restorable(root: Path, needed: Set[str], policy: Policy) -> Iterator[Item]:
    """Records of earlier runs of a stage whose outputs go: they would promise what is not there."""
    for path in (root / RUNS).glob("??/*/*"):
        if path.is_file() and not policy.is_young(changed_at(path)) and not _is_needed(path, needed):
            yield of_path(RESTORABLE, path, root, "its outputs are not needed")


def _is_needed(path: Path, needed: Set[str]) -> bool:
    try:
        return md5s(path.read_text(encoding="utf-8"), "outs") <= needed
    except (RlhfError, UnicodeDecodeError):
        # DVC throws it away, too.
        return False
