"""All that may go from a workspace and its registry, and its going."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from components.cleaning import dvc_objects, leftovers, runs, versions
from components.cleaning.at_hand import refuse_another
from components.cleaning.item import Item, Policy, used
from components.cleaning.keeping import Registry, read_registry
from components.cleaning.references import named, with_members
from components.cleaning.withdrawn import still_held
from components.config.retention import RetentionParams
from components.errors import RegistryError
from components.tracking.overview import has_registry
from components.tracking.tracker import connect, mlflow_errors
from components.workspace import STATE

#: The folders whose size is measured: all that is removed from a disk of ours lies there.
_MEASURED = (STATE, Path(".dvc"), Path("models"), Path("reports"), Path("data"))


@dataclass
class Cleaned:
    """What may go, or what went.

    Attributes:
        items: of either; refused: what could not be removed, and why.
        held: batches with withdrawn rows that DVC keeps for the versions named, which stay, or for git's last commit.
        before, after: bytes on the disk of the workspace's folders, measured.
    """

    items: list[Item] = field(default_factory=list)
    refused: list[tuple[Item, str]] = field(default_factory=list)
    held: dict[str, list[str]] = field(default_factory=dict)
    before: int = 0
    after: int = 0


#: Called with each item before it is removed.
OnItem = Callable[[Item], None]


def look(root: Path, params: RetentionParams) -> Cleaned:
    """What may go by this policy; nothing is changed.

    Raises:
        RegistryError: MLflow, or what a version that stays rests on, cannot be read, or it is not the registry of this
            workspace: then nothing may go.
    """
    policy, found = Policy(params, time.time()), Cleaned()
    found.before = found.after = _used(root)
    with mlflow_errors():
        registry = _registry(root, policy)
        if registry is not None:
            found.items += [*_of_versions(registry, policy), *runs.old_runs(registry, policy)]
        found.items += _of_disk(root, registry, policy)
        found.held = _held(root, registry)
    return found


def clean(root: Path, params: RetentionParams, on_item: OnItem) -> Cleaned:
    """Remove it. To be called by whoever holds the workspace: nobody trains, ingests, promotes or runs DVC.

    What the registry refuses to remove stays, with all that it rests on. Killed at any point, nothing points at what
    is gone, and the next call goes on.

    Raises:
        RegistryError: as for `look`; or MLflow went away meanwhile.
    """
    policy, done = Policy(params, time.time()), Cleaned()
    done.before = _used(root)
    with mlflow_errors():
        registry = _registry(root, policy)
        if registry is not None and versions.go_on(registry.tracker):
            registry = _registry(root, policy)
        # Where it cannot be told what is needed, nothing at all goes.
        _needed(root, registry)
        if registry is not None:
            _remove(_of_versions(registry, policy), done, on_item)
            # What was refused stays, and then so does what it rests on: runs too.
            registry = read_registry(registry.tracker, policy)
            registry.stays.update(registry.versions)
            _remove(list(runs.old_runs(registry, policy)), done, on_item)
            runs.purge(registry, policy)
        _remove(_of_disk(root, registry, policy), done, on_item)
        done.held = _held(root, registry)
    done.after = _used(root)
    return done


def _registry(root: Path, policy: Policy) -> Registry | None:
    registry = read_registry(connect(root), policy) if has_registry(root) else None
    refuse_another(root, registry)
    return registry


def _of_versions(registry: Registry, policy: Policy) -> list[Item]:
    return [*versions.old_versions(registry), *versions.orphaned_files(registry, policy)]


def _of_disk(root: Path, registry: Registry | None, policy: Policy) -> list[Item]:
    stay = set() if registry is None else registry.stays
    needed = _needed(root, registry)
    return [
        *leftovers.leftovers(root, policy),
        *leftovers.checkpoints(root, policy),
        *leftovers.copies(root, stay, policy),
        *leftovers.logs(root, policy),
        *dvc_objects.old_objects(root, needed, policy),
    ]


def _needed(root: Path, registry: Registry | None) -> set[str]:
    """What DVC must keep. Raises RlhfError where that cannot be told."""
    stay = set() if registry is None else registry.stays
    lineages = [] if registry is None else [registry.lineage(registry.versions[key]) for key in stay]
    return with_members(named(root, lineages), dvc_objects.stores(root))


def _remove(items: Iterable[Item], done: Cleaned, on_item: OnItem) -> None:
    for item in items:
        on_item(item)
        try:
            item.remove()
        except (RegistryError, OSError) as error:
            done.refused.append((item, str(error)))
        else:
            done.items.append(item)


def _held(root: Path, registry: Registry | None) -> dict[str, list[str]]:
    if registry is None:
        return still_held(root, {})
    return still_held(root, {key: registry.lineage(registry.versions[key]) for key in registry.stays})


def _used(root: Path) -> int:
    return used(root / folder for folder in _MEASURED)
