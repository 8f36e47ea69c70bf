"""DVC, by its command line: it runs stages, and keeps the feedback's versions."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from components.errors import BusyError, FeedbackError, RlhfError
from components.files import write_text
from components.workspace import STATE
from flows import outs
from flows.display import StageRun
from flows.dvc_users import forget_the_dead
from flows.processes import stream
from flows.stage_errors import last_words, stage_error

FEEDBACK = Path("data/feedback")
TRACKED = Path("data/feedback.dvc")
#: There while feedback is brought back, which DVC does file by file: of a killed process it says that a part is here.
RESTORING = STATE / "restoring-feedback"

#: A repository that another DVC process holds is asked again for this long: its locks are held for moments.
BUSY_S = 60.0
_BUSY = ("is busy", "Unable to acquire lock", "RWLock-file")
#: Where there are some and none is the default, it says so in other words: that is to be mended.
_NO_REMOTE = "Create a default remote with"
_ADVICE = ("To track the changes", "\tgit add", "To enable auto staging", "\tdvc config", "Use `dvc push`")
_OWN = (
    "Running stage '",
    "> ",
    "Stage '",
    "Generating lock file",
    "Updating lock file",
    "Data and pipelines are",
)
_SKIPPED = {"didn't change, skipping": "up to date", "is cached - skipping run": "restored"}


def repro(
    root: Path, stage: str, on_line: Callable[[str], None], on_start: Callable[[int], None] = lambda _: None
) -> StageRun:
    """Run one stage if its inputs, parameters or outputs changed.

    Args:
        on_line: is given each line it prints; on_start: the number of its process.

    Raises:
        StageFailedError: with what the stage said.
        StoppedError: it was told to end, and goes on when it is run again.
        BusyError: another process runs it.
    """
    start = time.monotonic()
    status, lines = _dvc(root, "repro", "--single-item", stage, on_line=on_line, on_start=on_start)
    if status:
        raise stage_error(stage, lines)
    found = (word for line in lines for mark, word in _SKIPPED.items() if mark in line)
    return StageRun(stage, next(found, "ran"), time.monotonic() - start)


def add_feedback(root: Path) -> None:
    """Put data/feedback as it is under DVC: its files into the cache, its digest into data/feedback.dvc."""
    status, lines = _dvc(root, "add", str(FEEDBACK))
    if status:
        raise RlhfError(
            f"the feedback is accepted, but `dvc add {FEEDBACK}` failed: {last_words(lines)}",
            f"run `dvc add {FEEDBACK}` once its cause is mended",
        )


def remote_state(root: Path) -> dict[str, Any]:
    """The default remote's name, and how many files of the feedback it lacks; the name is None without a remote.

    Raises:
        RlhfError: the remote cannot be reached.
    """
    # Nothing, and no error, where none is set.
    status, names = _dvc(root, "config", "core.remote")
    if status or not names:
        return {"remote": None, "missing": 0}
    if not (root / TRACKED).exists():
        return {"remote": names[-1], "missing": 0}
    status, lines = _dvc(root, "status", "--cloud", "--json", str(TRACKED))
    if status:
        raise RlhfError(
            f"the DVC remote cannot be reached: {last_words(lines)}", "make it reachable; `dvc push` then"
        )
    found = json.loads(next((line for line in lines if line.startswith("{")), "{}"))
    return {"remote": names[-1], "missing": len(found)}


def push_feedback(root: Path) -> None:
    """Copy the feedback to the default remote, where there is one.

    Raises:
        RlhfError: the remote cannot be reached; what is here stays.
    """
    status, lines = _dvc(root, "push", str(TRACKED))
    if status and not any(_NO_REMOTE in line for line in lines):
        raise RlhfError(
            f"the feedback is kept here, but the DVC remote did not take it: {last_words(lines)}",
            "make the remote reachable; the next ingestion or `dvc push` brings it there",
        )


def restore_feedback(root: Path) -> None:
    """Bring back feedback that data/feedback.dvc tells of and that this clone does not hold yet, or holds in part.

    Raises:
        FeedbackError: neither the cache nor the remote has it, or what they have is damaged. Going on would forget
            earlier batches; nothing of it is kept.
    """
    if not (root / RESTORING).exists() and _is_at_hand(root):
        return
    # pandera comes with it: only where there is something to bring back.
    from components.feedback.commits import ingestion_lock

    # Who else ingests waits: repeats are told by all of the feedback.
    with ingestion_lock(root / "data"):
        if (root / RESTORING).exists():
            _discard_part(root)
        if not _is_at_hand(root):
            _pull_feedback(root)


def _is_at_hand(root: Path) -> bool:
    return (root / FEEDBACK).exists() or not (root / TRACKED).exists()


def _pull_feedback(root: Path) -> None:
    """All of it or, where that fails, nothing: the next try would take a part for the whole."""
    write_text(root / RESTORING, "a part of data/feedback may be missing\n")
    try:
        _fetch_feedback(root)
        _refuse_damaged(root)
    except BaseException:
        _discard_part(root)
        raise
    (root / RESTORING).unlink()


def _fetch_feedback(root: Path) -> None:
    status, lines = _dvc(root, "pull", str(TRACKED))
    if status:
        raise FeedbackError(
            f"{TRACKED} tells of feedback that cannot be fetched: {last_words(lines)}",
            "make the DVC remote reachable and give the command again; "
            f"or remove {TRACKED} to start without earlier feedback",
        )


def _discard_part(root: Path) -> None:
    if (root / FEEDBACK).exists():
        shutil.rmtree(root / FEEDBACK)
    (root / RESTORING).unlink()


def _refuse_damaged(root: Path) -> None:
    """Feedback that was brought back, held against DVC's digests of it: DVC believes what lies in its cache."""
    (tracked,) = yaml.safe_load((root / TRACKED).read_text(encoding="utf-8"))["outs"]
    damaged = outs.damaged_files(root, str(FEEDBACK), tracked["md5"])
    if damaged:
        outs.discard_cached(root, str(FEEDBACK), tracked["md5"])
        raise FeedbackError(
            f"the DVC remote's copy of {damaged[0]} is damaged ({len(damaged)} files are); nothing of it was kept",
            f"restore the remote's files, or ingest that batch's file again after removing {TRACKED}",
        )


def stale(root: Path, patience_s: float | None = None) -> dict[str, Any]:
    """What `dvc status` says has changed, by stage or .dvc file; empty where all is up to date.

    Raises:
        BusyError: a stage has been writing for so long (by default BUSY_S): DVC tells nothing of what is being written.
    """
    status, lines = _dvc(root, "status", "--json", patience_s=patience_s)
    if status:
        raise RlhfError(f"`dvc status` failed: {last_words(lines)}", "run it by hand to see more")
    report: dict[str, Any] = json.loads(next((line for line in lines if line.startswith("{")), "{}"))
    return report


def is_dvcs_own(line: str) -> bool:
    """Whether DVC, not the stage, printed this line: a person is told the same in other words."""
    return line.startswith(_OWN)


def _dvc(
    root: Path,
    *words: str,
    on_line: Callable[[str], None] = lambda _: None,
    on_start: Callable[[int], None] = lambda _: None,
    patience_s: float | None = None,
) -> tuple[int, list[str]]:
    """Exit status and printed lines; DVC's advice about git is left out."""
    command = [sys.executable, "-m", "dvc", *words]
    deadline = time.monotonic() + (BUSY_S if patience_s is None else patience_s)
    while True:
        lines: list[str] = []

        def take(line: str, lines: list[str] = lines) -> None:
            if line.strip() and not line.startswith(_ADVICE):
                lines.append(line)
                on_line(line)

        status = stream(command, root, take, on_start)
        if status == 0 or not any(_says_busy(line) for line in lines):
            return status, lines
        if forget_the_dead(root):
            continue
        if time.monotonic() > deadline:
            raise BusyError(
                f"`dvc {words[0]}`: {last_words(lines)}",
                "wait until the other process has ended, then try again",
            )
        time.sleep(1)


def _says_busy(line: str) -> bool:
    """Whether DVC tells of another DVC process; a stage may call anything busy."""
    return line.startswith("ERROR: ") and any(mark in line for mark in _BUSY)
