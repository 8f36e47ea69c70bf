"""Registered versions: finding, reading and making them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import ModelError, RegistryError
from components.files import replacing_directory
from components.locks import exclusive
from components.tracking.manifest import verify
from components.tracking.packages import fetch, is_local
from components.tracking.tracker import Tracker
from components.workspace import STATE

#: On the production model: the version in production.
CHAMPION = "champion"
#: On what retrainings register: the version of the last one, which may have found it registered already.
CURRENT = "current"


@dataclass(frozen=True)
class Registered:
    """A version of a registered model, and whether this call made it."""

    name: str
    version: str
    created: bool


def all_versions(tracker: Tracker, name: str) -> list[Any]:
    """Every version of a registered model, oldest first; empty where there is no such model."""
    found = tracker.client.search_model_versions(f"name = '{name}'")
    return sorted(found, key=lambda version: int(version.version))


def get_version(tracker: Tracker, name: str, version: str) -> Any:
    """One version with its tags.

    Raises:
        RegistryError: there is no such version; the remedy names those that exist.
    """
    found = {str(each.version): each for each in all_versions(tracker, name)}
    if version not in found:
        known = ", ".join(found) or "none yet: run `rlhf retrain`"
        raise RegistryError(f"{name} has no version {version}", f"versions of {name}: {known}")
    return found[version]


def find_version(tracker: Tracker, name: str, tag: str, value: str) -> Any | None:
    """The newest version of a registered model with this tag, or None."""
    found = tracker.client.search_model_versions(f"name = '{name}' and tags.`{tag}` = '{value}'")
    return max(found, key=lambda version: int(version.version), default=None)


def is_sound(tracker: Tracker, version: Any) -> bool:
    """Whether the version's files are those that were registered."""
    try:
        checked_files(tracker, version)
    except ModelError:
        return False
    return True


def champion_of(tracker: Tracker) -> str | None:
    """The production version that @champion points at."""
    return _alias(tracker, tracker.name, CHAMPION)


def current_version(tracker: Tracker, kind: str) -> Any | None:
    """The version of "candidate", "sft" or "reward" that the last retraining made or found again.

    Not the highest number: a retraining back to earlier parameters finds the earlier version.
    """
    number = current_number(tracker, kind)
    return get_version(tracker, tracker.model(kind), number) if number else None


def current_number(tracker: Tracker, kind: str) -> str | None:
    """The number of `current_version`."""
    return _alias(tracker, tracker.model(kind), CURRENT)


def _alias(tracker: Tracker, name: str, alias: str) -> str | None:
    number = read_model(tracker, name, "aliases").get(alias)
    return None if number is None else str(number)


def read_model(tracker: Tracker, name: str, field: str) -> dict[str, Any]:
    """Tags or aliases of a registered model; none where there is no such model."""
    found = tracker.client.search_registered_models(f"name = '{name}'")
    return dict(getattr(found[0], field)) if found else {}


def create_version(
    tracker: Tracker, name: str, source: str, run: str, tags: Mapping[str, str], description: str
) -> Registered:
    """Register uploaded files: the last step, so that no version ever points at half of its files."""
    if not tracker.client.search_registered_models(f"name = '{name}'"):
        tracker.client.create_registered_model(name)
    made = tracker.client.create_model_version(
        name, source, run_id=run, tags=dict(tags), description=description
    )
    return Registered(name, str(made.version), created=True)


def checked_files(tracker: Tracker, version: Any) -> Path:
    """A local folder with the version's files, each with the SHA-256 it was registered with.

    Files of a remote store are kept in the workspace, and checked at each use like those of a local one.

    Raises:
        ModelError: a file differs, is missing or is one too many.
    """
    digest = version.tags.get("sha256", "")
    if is_local(version.source):
        folder = fetch(tracker, version.source, tracker.root)
    else:
        folder = tracker.root / STATE / "versions" / version.name / str(version.version)
        # Two first uses at once would sweep each other's halves away.
        with exclusive(folder.with_name(f"{folder.name}.lock")):
            _download_unless_whole(tracker, version.source, folder, digest)
    verify(folder, digest)
    return folder


def _download_unless_whole(tracker: Tracker, source: str, folder: Path, digest: str) -> None:
    try:
        verify(folder, digest)
    except ModelError:
        with replacing_directory(folder) as empty:
            found = fetch(tracker, source, empty)
            if found != empty:
                _hoist(found.rename(empty / "files"), empty)


def _hoist(inner: Path, outer: Path) -> None:
    for path in inner.iterdir():
        path.rename(outer / path.name)
    inner.rmdir()
