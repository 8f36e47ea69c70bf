"""Registered versions that may go, and files of versions that are no more.

A version leaves the registry before its files do: killed in between, nothing points at files that are gone, and the
next cleaning finds the files that nobody names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from components.cleaning.item import Item, Policy
from components.cleaning.keeping import Registry
from components.errors import RegistryError
from components.tracking.audit import DELETE
from components.tracking.audit_trail import unfinished_act
from components.tracking.champion import delete_version, finish_cut_off
from components.tracking.lineage import author
from components.tracking.packages import discard, size_of
from components.tracking.runs import pipeline_runs
from components.tracking.tracker import Tracker, mlflow_errors

VERSIONS, FILES = "registered versions", "files of no version"
#: As `register_all` names a version's folder among the artefacts of its run.
_PLACE = re.compile(r"(sft|reward|candidate)-[0-9a-f]{8}")


def old_versions(registry: Registry) -> Iterator[Item]:
    """Those that the policy does not keep: production first, then candidates, then what they were made from."""
    for key, version in registry.versions.items():
        if key not in registry.stays:
            yield _version(registry, version)


def sizes_of_going(registry: Registry) -> dict[str, int]:
    """By run, bytes of the files that go with its versions."""
    sizes: dict[str, int] = {}
    for key, version in registry.versions.items():
        if key not in registry.stays and _owns(registry, version):
            size = _size(registry.tracker, version.run_id, _place(version))
            sizes[version.run_id] = sizes.get(version.run_id, 0) + size
    return sizes


def go_on(tracker: Tracker) -> bool:
    """Put on record what a killed process had begun: a version that it deleted is not there to be deleted again.

    Returns:
        Whether there was such a thing.
    """
    begun = unfinished_act(tracker.root) is not None
    finish_cut_off(tracker)
    return begun


def _version(registry: Registry, version: Any) -> Item:
    tracker = registry.tracker
    place, own = _place(version), _owns(registry, version)

    def remove() -> None:
        with mlflow_errors():
            _unregister(tracker, version)
            if own:
                discard(tracker, version.run_id, place)

    return Item(
        VERSIONS,
        f"{version.name} version {version.version}",
        _size(tracker, version.run_id, place) if own else 0,
        _why(tracker, version),
        remove,
    )


def _owns(registry: Registry, version: Any) -> bool:
    """Whether its files are its own, and lie where registration puts them."""
    shared = any(each.source == version.source for each in registry.versions.values() if each is not version)
    return _place(version) is not None and not shared


def _why(tracker: Tracker, version: Any) -> str:
    if version.name == tracker.name:
        return "older than the champions that retention.production keeps"
    if version.name == tracker.model("candidate"):
        return "older than the candidates that retention.candidates keeps"
    return "no version that stays was made from it"


def _unregister(tracker: Tracker, version: Any) -> None:
    if version.name != tracker.name:
        tracker.client.delete_model_version(version.name, str(version.version))
        return
    finish_cut_off(tracker)
    tags = version.tags
    delete_version(
        tracker,
        {
            "action": DELETE,
            "model": version.name,
            "version": str(version.version),
            "sha256": tags.get("sha256", ""),
            "candidate_version": tags.get("candidate_version", ""),
            "by": author(),
            "why": _why(tracker, version),
        },
    )


def _place(version: Any) -> str | None:
    """The folder of a version's files among its run's artefacts; None where they lie elsewhere."""
    last = version.source.rstrip("/").rpartition("/")[2]
    return last if version.run_id and (_PLACE.fullmatch(last) or last == version.name) else None


def _size(tracker: Tracker, run: str, place: str | None) -> int:
    try:
        with mlflow_errors():
            return size_of(tracker, run, place)
    except RegistryError:
        # Its run is gone; the version goes all the same.
        return 0


def orphaned_files(registry: Registry, policy: Policy) -> Iterator[Item]:
    """Folders as versions have them that none names: of a registration, a promotion or a cleaning that was killed."""
    for run in pipeline_runs(registry.tracker):
        if not policy.is_young(run.info.start_time / 1000):
            yield from _orphans(registry, run)


def _orphans(registry: Registry, run: Any) -> Iterator[Item]:
    tracker, run_id = registry.tracker, run.info.run_id
    named = {(each.run_id, _place(each)) for each in registry.versions.values()}
    for folder in tracker.client.list_artifacts(run_id):
        used = registry.is_used(f"{run.info.artifact_uri.rstrip('/')}/{folder.path}")
        if not folder.is_dir or used or (run_id, folder.path) in named:
            continue
        if _PLACE.fullmatch(folder.path) or folder.path == tracker.name:
            yield _folder(tracker, run_id, folder.path)


def _folder(tracker: Tracker, run: str, place: str) -> Item:
    def remove() -> None:
        with mlflow_errors():
            discard(tracker, run, place)

    return Item(FILES, f"{run}/{place}", size_of(tracker, run, place), "no version names them", remove)
