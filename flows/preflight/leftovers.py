"""What dead processes left: orphans, and locks that do not fall by themselves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from components.config.servers import ServersParams
from components.errors import BusyError
from flows.locks import RETRAINING, refuse_if_busy
from flows.preflight.findings import Finding, ok, warning
from flows.up.orphans import marked
from flows.up.record import read_record

#: Git holds its lock for moments.
_OLD_S = 600.0


def check_leftovers(root: Path, _servers: ServersParams) -> Iterator[Finding]:
    found = [*_orphans(root), *_git_lock(root)]
    yield from found or [ok("leftovers", "nothing is left of processes that died")]
    yield from _retraining(root)


def _orphans(root: Path) -> Iterator[Finding]:
    record = read_record(root)
    orphans = [] if record and record.is_running else marked(root)
    if orphans:
        numbers = ", ".join(str(each.pid) for each in orphans)
        yield warning(
            "leftovers",
            f"processes of an earlier `rlhf up` that nobody watches any more: {numbers}",
            "`rlhf down` ends them; `rlhf up` does so too before it starts",
        )


def _git_lock(root: Path) -> Iterator[Finding]:
    lock = root / ".git/index.lock"
    if lock.exists() and time.time() - lock.stat().st_mtime > _OLD_S:
        yield warning(
            "leftovers",
            f"{lock} is left of a git that was killed: no commit works",
            f"`rm {lock}` if no git is running here",
        )


def _retraining(root: Path) -> Iterator[Finding]:
    # The kernel drops this lock with its holder, so whoever holds it lives. To look must not make it.
    if not (root / RETRAINING).exists():
        return
    try:
        refuse_if_busy(root)
    except BusyError as error:
        yield ok("retraining", error.message)
