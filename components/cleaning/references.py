"""What DVC's cache is asked for: the MD5s that the workspace, git and the registered versions name."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from components.errors import RlhfError
from components.tracking import dvc_cache
from components.tracking.lineage import FEEDBACK, git_commit

#: The files of DVC that name what it keeps, relative to the project's folder.
LOCK, TRACKED = "dvc.lock", f"{FEEDBACK}.dvc"
_DIRTY = "-dirty"


def named(root: Path, lineages: Iterable[Mapping[str, Any]]) -> set[str]:
    """MD5 of every file and listing that is needed; files in a listing are not yet among them."""
    lineages = list(lineages)
    commits = {
        lineage["git_commit"].removesuffix(_DIRTY) for lineage in lineages if lineage.get("git_commit")
    }
    paths = list(files_of_dvc(root))
    locks = [_read(path) for path in paths if path.name == LOCK]
    locks += [_at(root, commit, LOCK) for commit in {*commits, "HEAD"}]
    tracked = [_read(path) for path in paths if path.name != LOCK] + [at_head(root)]
    found = {md5 for text in locks for md5 in outputs_in(text)} | {
        md5 for text in tracked for md5 in md5s(text)
    }
    for lineage in lineages:
        files = (lineage.get("feedback_files") or {}).values()
        found |= {md5 for md5 in (lineage["feedback"], *lineage["dvc"].values(), *files) if md5}
    return found


def files_of_dvc(root: Path) -> Iterator[Path]:
    """All that say what DVC keeps of this project, in whatever folder people have put them."""
    for folder, names, files in os.walk(root):
        # Of git, DVC, the virtual environment: no feedback, no model.
        names[:] = [name for name in names if not name.startswith(".")]
        yield from (Path(folder, name) for name in files if name == LOCK or name.endswith(".dvc"))


def at_head(root: Path) -> str:
    """data/feedback.dvc as git has it."""
    return _at(root, "HEAD", TRACKED)


def with_members(md5: Iterable[str], caches: Iterable[Path]) -> set[str]:
    """These, and what the listings among them name, as far as one of the caches has them.

    Raises:
        RlhfError: a listing cannot be read: which files it needs nobody can tell.
    """
    found, caches = set(md5), list(caches)
    for each in [name for name in found if name.endswith(dvc_cache.FOLDER)]:
        found |= {member for cache in caches for member in members(cache, each).values()}
    return found


def members(cache: Path, md5: str) -> dict[str, str]:
    """MD5 by path of what a listing names; empty where this cache does not have it.

    Raises:
        RlhfError: it cannot be read.
    """
    try:
        return dvc_cache.listing_in(cache, md5) or {}
    except (ValueError, TypeError, KeyError):
        path = dvc_cache.place(cache, md5)
        raise RlhfError(
            f"{path} is no listing of DVC's any more: which files it needs cannot be told",
            "nothing is removed; `rlhf verify` names what rests on it, `dvc pull` or `dvc repro` makes it anew",
        ) from None


def md5s(text: str, part: str | None = None) -> set[str]:
    """Every MD5 in a file of DVC's, such as dvc.lock, or in one part of it.

    Raises:
        RlhfError: it cannot be read.
    """
    try:
        tree = yaml.safe_load(text)
        return set(_leaves(tree if part is None else tree[part]))
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise RlhfError(f"a file of DVC's cannot be read: {error}", "restore it from git") from None


def outputs_in(lock: str) -> set[str]:
    """What a dvc.lock says of outputs, and not of what stages read: which feedback a version learned from its lineage
    says, and a lock that was committed may name what was withdrawn since.

    Raises:
        RlhfError: it cannot be read.
    """
    try:
        stages = (yaml.safe_load(lock) or {}).get("stages", {})
        return {md5 for stage in stages.values() for md5 in _leaves(stage.get("outs", []))}
    except (yaml.YAMLError, AttributeError) as error:
        raise RlhfError(f"a dvc.lock cannot be read: {error}", "restore it from git") from None


def _leaves(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        if isinstance(tree.get("md5"), str):
            yield tree["md5"]
        for value in tree.values():
            yield from _leaves(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _leaves(value)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _at(root: Path, commit: str, path: str) -> str:
    """A file as a commit has it; nothing where there is no git, no such commit, or no such file in it."""
    if git_commit(root) == "none":
        return ""
    command = ["git", "-C", str(root), "show", f"{commit}:./{path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode else done.stdout
