"""Processes that `rlhf up` started in this workspace, in whatever session they are, told by their environment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from flows.up.programs import MARK, PART


def marked(root: Path, part: str | None = None) -> list[psutil.Process]:
    """Those that live, of one program or of all. Not this process, nor those that it came from."""
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [each for each in psutil.process_iter() if each.pid not in mine and _is_marked(each, root, part)]


def _is_marked(process: psutil.Process, root: Path, part: str | None) -> bool:
    try:
        variables = process.environ()
        is_ours = variables.get(MARK) == str(root.resolve()) and part in (None, variables.get(PART))
        return is_ours and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        # It has just ended, or is another user's.
        return False


def end_marked(root: Path, part: str | None = None, patience_s: float = 30.0) -> int:
    """SIGTERM, patience, SIGKILL. Returns how many there were."""
    found = marked(root, part)
    _end(found, patience_s)
    # What these started meanwhile.
    _end(marked(root, part), patience_s=1.0)
    return len(found)


def _end(processes: Sequence[psutil.Process], patience_s: float) -> None:
    for each in processes:
        with suppress(psutil.Error):
            each.terminate()
    _, left = psutil.wait_procs(processes, timeout=patience_s)
    for each in left:
        with suppress(psutil.Error):
            each.kill()
    psutil.wait_procs(left, timeout=5.0)
