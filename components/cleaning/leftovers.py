"""What killed processes left, checkpoints that nobody goes on from, copies of versions that are gone, old logs."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import chdir
from pathlib import Path

from components.cleaning.item import Item, Policy, changed_at, of_path
from components.cleaning.keeping import Key
from components.errors import RlhfError
from components.files import still_good
from components.locks import is_held
from components.workspace import STATE

TEMPORARY, CHECKPOINTS, COPIES, LOGS = "leftovers", "checkpoints", "copies of versions", "logs"
#: Where the project's own writers work; MLflow's, Prefect's and DVC's folders are theirs.
_ROOMS = ("models", "reports", "data", STATE)
_THEIRS = {"mlartifacts", "prefect", "dvc-remote"}
#: An hour.
WRITING_DAYS = 1 / 24


def leftovers(root: Path, policy: Policy) -> Iterator[Item]:
    """Folders of killed uploads, and half-written files and folders."""
    for path in _hidden(root):
        # Whoever writes there next puts back what is still good.
        if still_good(path) is None and _is_left(path, policy):
            yield of_path(TEMPORARY, path, root, "its writer was killed")
    for path in (root / STATE / "tmp").glob("*"):
        if _is_left(path, policy):
            yield of_path(TEMPORARY, path, root, "its writer was killed")


def _is_left(path: Path, policy: Policy) -> bool:
    """Not while it may still be written: not every writer is kept out by the locks of a cleaning."""
    return not policy.is_within(changed_at(path), max(policy.params.grace_days, WRITING_DAYS))


def _hidden(root: Path) -> Iterator[Path]:
    for room in _ROOMS:
        for folder, names, files in os.walk(root / room):
            yield from (Path(folder, name) for name in (*names, *files) if _is_hidden(name))
            names[:] = [name for name in names if name not in _THEIRS and not _is_hidden(name)]


def _is_hidden(name: str) -> bool:
    return name.startswith(".") and name.endswith(".tmp")


def checkpoints(root: Path, policy: Policy) -> Iterator[Item]:
    """Of runs whose code, inputs or parameters are others by now: a stage goes on from its own alone."""
    for home in ("checkpoints", "snapshots"):
        for path in (root / STATE / home).glob("*/*"):
            if not policy.is_young(changed_at(path)) and not _goes_on_from(root, path.parent.name, path.name):
                yield of_path(CHECKPOINTS, path, root, "code, inputs or parameters are others by now")


def _goes_on_from(root: Path, stage: str, key: str) -> bool:
    # torch comes with it: only where there is something to ask about.
    from components.stages.checkpointing import inputs_of

    try:
        with chdir(root):
            # Not the whole key: a stage may run on a machine with other libraries than this one's.
            return inputs_of(stage) == key.partition("-")[0]
    except KeyError:
        # No such stage any more.
        return False
    except RlhfError:
        # An input is missing: made again, it may be the same.
        return True


def copies(root: Path, stay: Collection[Key], policy: Policy) -> Iterator[Item]:
    """What is kept here of versions on a server that it does not have any more."""
    for path in (root / STATE / "versions").glob("*/*"):
        known = (path.parent.name, path.name.removesuffix(".lock")) in stay
        if not known and not path.name.startswith(".") and not policy.is_young(changed_at(path)):
            yield of_path(COPIES, path, root, "the registry does not have the version any more")


def logs(root: Path, policy: Policy) -> Iterator[Item]:
    """Of what `rlhf up` started and is not running any more: a program that runs holds its log open."""
    days = max(policy.params.logs_days, policy.params.grace_days)
    if is_held(root / STATE / "up.lock"):
        return
    for path in (root / STATE / "up").glob("*.log*"):
        if not policy.is_within(changed_at(path), days):
            yield of_path(LOGS, path, root, "older than retention.logs_days")
