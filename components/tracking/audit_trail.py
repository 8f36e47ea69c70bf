"""The audit log together with what MLflow knows of it: reading it for people, refusing it, starting it anew."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import PromotionRefusedError, RegistryError
from components.files import read_json, sha256_file, write_bytes
from components.tracking.audit import (
    Head,
    Line,
    chained,
    head_of,
    last_act,
    lines_of,
    log_path,
    now,
    read_log,
)
from components.tracking.audit_chain import Fault, check
from components.tracking.lineage import author
from components.tracking.tracker import Tracker
from components.tracking.versions import champion_of
from components.workspace import STATE

#: On the production model: the number of lines of the audit log and the SHA-256 of the last.
HEAD_TAG = "audit.head"
#: What a change of the champion is about to do; gone when it is done, told and known (champion.py).
UNFINISHED = "champion.unfinished.json"
RESTART = "restart"


@dataclass(frozen=True)
class Trail:
    """The log as it is. Attributes: faults: where it is not what was written; notes: what else to know."""

    lines: list[Line]
    faults: list[Fault]
    notes: list[str]


def inspect(tracker: Tracker) -> Trail:
    """Read the log and check its chain, up to the head that MLflow knows. Nothing is changed.

    To be called by whoever holds the promotion lock: between two reads a promotion would look like a fault.
    """
    lines, unfinished = read_log(tracker.root), unfinished_act(tracker.root)
    faults = check(lines, known_head(tracker), unfinished)
    return Trail(lines, faults, _notes(tracker, lines, unfinished))


def refuse_broken(tracker: Tracker) -> None:
    """Raise PromotionRefusedError where the log is not what was written."""
    faults = inspect(tracker).faults
    if faults:
        raise PromotionRefusedError(
            f"the audit log {log_path(tracker.root)} is broken: {faults[0].message}",
            "look at `rlhf audit` and find out who changed it; promote in the workspace that keeps the log, put the "
            "file back from a backup, or begin a log that tells of the broken one: "
            "`rlhf audit --restart --approver NAME --why TEXT`. `rlhf rollback` works meanwhile",
        )


def known_head(tracker: Tracker) -> Head | None:
    """The head that MLflow knows, or None where it knows none."""
    models = tracker.client.search_registered_models(f"name = '{tracker.name}'")
    tag = models[0].tags.get(HEAD_TAG) if models else None
    if tag is None:
        return None
    count, _, sha256 = tag.partition(" ")
    # A tag that was edited into something else knows a line that no log has.
    return Head(int(count), sha256) if count.isdecimal() else Head(1, tag)


def tell_head(tracker: Tracker, head: Head) -> None:
    tracker.client.set_registered_model_tag(tracker.name, HEAD_TAG, f"{head.count} {head.sha256}")


def unfinished_act(root: Path) -> dict[str, Any] | None:
    """What a process that died, or one that is at it, was about to tell in the log."""
    path = root / STATE / UNFINISHED
    return dict(read_json(path)) if path.exists() else None


def restart(tracker: Tracker, approver: str, why: str) -> Path:
    """Put a broken log aside and begin a new one; its first line tells of the old one, who did it and why.

    To be called by whoever holds the promotion lock. Returns where the old log lies now.

    Raises:
        RegistryError: the log is whole.
    """
    faults = inspect(tracker).faults
    if not faults:
        raise RegistryError("the audit log is whole: there is no reason for a new one", "see `rlhf audit`")
    aside, sha256 = _put_aside(tracker.root)
    act = {
        "time": now(),
        "action": RESTART,
        "model": tracker.name,
        "version": champion_of(tracker),
        "approver": approver.strip(),
        "by": author(),
        "why": why,
        "broken": [fault.message for fault in faults],
        "old_log": aside.name,
        "old_sha256": sha256,
    }
    first = chained([], act) + b"\n"
    write_bytes(log_path(tracker.root), first)
    tell_head(tracker, head_of(lines_of(first)))
    return aside


def _put_aside(root: Path) -> tuple[Path, str]:
    """A copy of the log under a name of its content: a restart that was killed and done again makes no second."""
    path = log_path(root)
    if not path.exists():
        write_bytes(path, b"")
    sha256 = sha256_file(path)
    aside = path.with_name(f"audit-{sha256[:12]}.jsonl")
    shutil.copyfile(path, aside)
    return aside, sha256


def _notes(tracker: Tracker, lines: list[Line], unfinished: Mapping[str, Any] | None) -> list[str]:
    champion, told, notes = champion_of(tracker), last_act(lines).get("version"), []
    if unfinished is not None:
        notes.append(
            f"a {unfinished['action']} of version {unfinished['version']} is under way or was cut off: "
            "the next promotion, rollback or `rlhf clean` finishes it"
        )
    elif champion != told:
        notes.append(
            f"@champion is version {champion}, but the newest line tells of version {told}: "
            "it was set past `rlhf promote`"
        )
    loose = sum(line.entry is not None and not line.is_chained for line in lines)
    if loose:
        notes.append(f"lines without a chain, written by an older version: {loose}")
    torn = [str(at) for at, line in enumerate(lines, start=1) if line.entry is None]
    if torn:
        notes.append(f"torn by a writer that was killed: line {', '.join(torn)}")
    return notes
