"""DVC's list of the processes that read or write what it tracks, without those that are gone.

DVC itself asks only whether there is a process of that number. Where numbers come again, as in a container that was
started anew, it waits for a stranger; and a list that a killed process left half-written stops every command.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from components.files import write_json
from components.locks import exclusive, exclusive_within
from components.stages.running import at_work

#: Every DVC command holds the first, but for the time of a stage's own process; who changes the list holds the second.
COMMANDS, _GUARD = Path(".dvc/tmp/lock"), Path(".dvc/tmp/rwlock.lock")
_LIST = Path(".dvc/tmp/rwlock")
#: The list is changed in moments.
_PATIENCE_S = 5.0
#: What times of files and of processes may differ by.
_ROUNDING_S = 1.0
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class User:
    """A process of DVC's that is at work."""

    process: int
    command: str


def users(root: Path) -> list[User]:
    """Those that live, as far as the list can be read."""
    try:
        kept = _living(*_read(root / _LIST))
    except (FileNotFoundError, *_UNREADABLE):
        return []
    listed = [*kept["write"].values(), *(each for several in kept["read"].values() for each in several)]
    return [User(int(each["pid"]), str(each["cmd"])) for each in listed]


def forget_the_dead(root: Path) -> bool:
    """Rid the list of processes that are gone, and remove one that cannot be read; whether there was such a thing.

    Not while a DVC command or a stage is at work: in another container it has a number that says nothing here.
    """
    if at_work(root):
        return False
    try:
        with exclusive(root / COMMANDS, wait=False), exclusive_within(root / _GUARD, _PATIENCE_S):
            return _rewritten(root / _LIST)
    except BlockingIOError:
        return False


def _rewritten(path: Path) -> bool:
    try:
        listed, changed = _read(path)
        kept = _living(listed, changed)
    except FileNotFoundError:
        return False
    except _UNREADABLE:
        path.unlink()
        return True
    if all(listed.get(mode, {}) == kept[mode] for mode in kept):
        return False
    write_json(path, kept)
    return True


def _read(path: Path) -> tuple[dict[str, Any], float]:
    """The list, and when it was written."""
    return json.loads(path.read_text(encoding="utf-8")), path.stat().st_mtime


def _living(listed: dict[str, Any], changed: float) -> dict[str, dict[str, Any]]:
    """The list as DVC writes it, of those that live: who writes a path, and who all read it."""
    readers = {
        name: [each for each in several if _lives(each, changed)]
        for name, several in listed.get("read", {}).items()
    }
    return {
        "write": {name: each for name, each in listed.get("write", {}).items() if _lives(each, changed)},
        "read": {name: several for name, several in readers.items() if several},
    }


def _lives(user: dict[str, Any], listed_by: float) -> bool:
    """Whether the process that wrote this, at that time or before, is there; not one that has its number since."""
    try:
        process = psutil.Process(int(user["pid"]))
        came_later = process.create_time() > listed_by + _ROUNDING_S
        return not came_later and _runs(process.cmdline(), str(user["cmd"]))
    except psutil.NoSuchProcess:
        # Also a zombie: it does nothing any more.
        return False
    except psutil.AccessDenied:
        return True


def _runs(cmdline: list[str], command: str) -> bool:
    """Whether a process with this command line calls itself `command`, which begins with the place of a program."""
    words = command.split()
    return len(words) < 2 or words[-1] in " ".join(cmdline)
