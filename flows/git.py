"""Commits what a run wrote, where params.yaml asks for it: these paths and nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

from components.config import load_params
from components.errors import RlhfError

#: A machine that retrains may have no git identity of its own.
_IDENTITY = (
    "-c",
    "user.name=rlhf-pipeline",
    "-c",
    "user.email=rlhf-pipeline@localhost",
    "-c",
    "commit.gpgsign=false",
)


def commit_if_wanted(root: Path, message: str, *paths: str) -> bool:
    """Commit these files where `git.commit` is set and they hold something new. Whatever else is staged stays.

    Raises:
        RlhfError: git refuses.
    """
    if not load_params(root / "params.yaml").git.commit:
        return False
    present = [path for path in paths if (root / path).exists()]
    if not present or not _git(root, "status", "--porcelain", "--", *present).strip():
        return False
    _git(root, "add", "--", *present)
    _git(root, "commit", "--message", message, "--", *present)
    return True


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *_IDENTITY, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RlhfError(
            f"`git {words[0]}` failed: {done.stderr.strip()}",
            "mend its cause and commit by hand, or set git.commit to false in params.yaml",
        )
    return done.stdout
