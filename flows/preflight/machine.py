"""Python, git, the clock."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from components.config.servers import ServersParams
from components.workspace import STATE
from flows.preflight.findings import Finding, ok, problem, warning

_OLDEST = (3, 11)
_GIT_S = 10.0
#: Clocks differ by a little, and so do those of a shared disk.
_CLOCK_S = 120.0
#: Written whenever something happens here.
_DATED = ("audit.jsonl", "up.json", "mlflow.db", "prefect/prefect.db", "retrain.lock")


def check_python(_root: Path, _servers: ServersParams) -> Iterator[Finding]:
    found = f"Python {platform.python_version()} at {sys.executable}"
    if sys.version_info >= _OLDEST:
        yield ok("python", found)
    else:
        yield problem("python", found, "install Python 3.11 or newer and make the environment anew")


def check_git(root: Path, _servers: ServersParams) -> Iterator[Finding]:
    if shutil.which("git") is None:
        yield problem("git", "there is no git, which DVC needs", "install git")
        return
    command = ["git", "-C", str(root), "rev-parse", "--is-inside-work-tree"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_GIT_S)
    if done.returncode:
        said = done.stderr.strip() or "it is no git repository"
        yield problem("git", f"{root}: {said}", "`git clone` the project, or `git init` here")
    else:
        yield ok("git", f"{root} is a git work tree")


def check_clock(root: Path, _servers: ServersParams) -> Iterator[Finding]:
    """A clock that went back, or was ahead once: schedules and retention go by it."""
    dated = {path: path.stat().st_mtime for name in _DATED if (path := root / STATE / name).exists()}
    ahead = {path: at for path, at in dated.items() if at > time.time() + _CLOCK_S}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    if ahead:
        latest = max(ahead, key=lambda path: ahead[path])
        written = datetime.fromtimestamp(ahead[latest], UTC).isoformat(timespec="seconds")
        yield warning(
            "clock",
            f"it is {now} by this machine's clock, but {latest} was written at {written}",
            "set the clock (NTP): schedules and retention go by it",
        )
    else:
        yield ok("clock", f"it is {now}")
