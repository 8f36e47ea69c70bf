"""Where a model comes from: what dvc.lock, git and the feedback folder say about the files at hand."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.errors import RegistryError
from components.files import read_json, sha256_bytes
from components.tracking import dvc_cache
from components.workspace import current_user

FEEDBACK = "data/feedback"
_ROWS = "rows-*.parquet"


@dataclass(frozen=True)
class StageLock:
    """What dvc.lock says of a stage's last execution.

    Attributes:
        digest: SHA-256 of the whole entry; another one for other inputs, parameters or outputs.
        params: flattened, such as {"ppo.kl_coef": 0.05}.
        deps, outs: DVC's md5 by path.
    """

    name: str
    digest: str
    params: dict[str, Any]
    deps: dict[str, str]
    outs: dict[str, str]


def read_lock(root: Path) -> dict[str, StageLock]:
    """Every stage that has run, by name.

    Raises:
        RegistryError: no stage has run yet.
    """
    path = root / "dvc.lock"
    if not path.exists():
        raise RegistryError(f"{path} not found: no stage has run yet", "run `rlhf retrain`")
    stages = yaml.safe_load(path.read_text(encoding="utf-8")).get("stages", {})
    return {name: _stage_lock(name, entry) for name, entry in stages.items()}


def _stage_lock(name: str, entry: Mapping[str, Any]) -> StageLock:
    canonical = json.dumps(entry, sort_keys=True, default=str)
    params = {key: value for values in entry.get("params", {}).values() for key, value in flatten(values)}
    return StageLock(
        name, sha256_bytes(canonical.encode("utf-8")), params, _md5s(entry, "deps"), _md5s(entry, "outs")
    )


def _md5s(entry: Mapping[str, Any], side: str) -> dict[str, str]:
    return {item["path"]: item.get("md5", "") for item in entry.get(side, [])}


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings, under dotted names."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def git_commit(root: Path) -> str:
    """The commit at hand, with `-dirty` where tracked files differ from it; "none" outside git."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "none"
    return done.stdout.strip() or "none"


@dataclass(frozen=True)
class Learned:
    """The feedback that a model learned from.

    Attributes:
        batches: their ids.
        files: DVC's md5 of their rows, by path below data/feedback; empty where DVC's listing is gone.
        withdrawn: rows by batch that had left it before, so that it did not learn from them.
        erasures: how often anything had been withdrawn from it before, rows or votes, by batch.
    """

    batches: list[str]
    files: dict[str, str]
    withdrawn: dict[str, int]
    erasures: dict[str, int]


def learned_feedback(root: Path, feedback_md5: str) -> Learned:
    """What is in the feedback folder that has this md5.

    DVC's own listing of that folder is asked first: a batch may have come in since the stage read it.
    """
    listed = dvc_cache.listing(root, feedback_md5)
    paths = (
        [path.relative_to(root / FEEDBACK).as_posix() for path in (root / FEEDBACK).glob(f"*/{_ROWS}")]
        if listed is None
        else list(listed)
    )
    # A batch that was withdrawn stays on record, but has no rows.
    rows = sorted(path for path in paths if Path(path).match(_ROWS))
    batches = sorted({Path(path).parts[0] for path in rows})
    files = {path: listed[path] for path in rows} if listed else {}
    manifests = {batch: _manifest(root, batch, listed or {}) for batch in batches}
    rows_gone = {batch: int(about.get("withdrawn", 0)) for batch, about in manifests.items()}
    times = {batch: _erasures(about) for batch, about in manifests.items()}
    return Learned(batches, files, _above_zero(rows_gone), _above_zero(times))


def _above_zero(counts: Mapping[str, int]) -> dict[str, int]:
    return {batch: count for batch, count in counts.items() if count}


def _erasures(manifest: Mapping[str, Any]) -> int:
    return sum(event["what"] == "withdrawn" for event in manifest.get("events", ()))


def _manifest(root: Path, batch: str, listed: Mapping[str, str]) -> dict[str, Any]:
    """As the manifest said that DVC kept, or as the one at hand says."""
    name = f"{batch}/manifest.json"
    kept = dvc_cache.cached(root, listed[name]) if name in listed else root / FEEDBACK / name
    path = kept if kept.exists() else root / FEEDBACK / name
    return dict(read_json(path)) if path.exists() else {}


def author() -> str:
    """Who trained: RLHF_AUTHOR, else the user of this process."""
    return os.environ.get("RLHF_AUTHOR") or current_user()
