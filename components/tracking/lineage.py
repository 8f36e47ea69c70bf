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


def feedback_batches(root: Path, feedback_md5: str) -> list[str]:
    """Ids of the batches in the feedback folder that has this md5.

    DVC's own listing of that folder is asked first: a batch may have come in since the stage read it.
    """
    listing = root / ".dvc/cache/files/md5" / feedback_md5[:2] / feedback_md5[2:]
    if feedback_md5.endswith(".dir") and listing.exists():
        paths = [Path(item["relpath"]) for item in read_json(listing)]
    else:
        paths = [path.relative_to(root / FEEDBACK) for path in (root / FEEDBACK).glob(f"*/{_ROWS}")]
    # A batch that was withdrawn stays on record, but has no rows.
    return sorted({path.parts[0] for path in paths if path.match(_ROWS)})


def author() -> str:
    """Who trained: RLHF_AUTHOR, else the user of this process."""
    return os.environ.get("RLHF_AUTHOR") or current_user()
