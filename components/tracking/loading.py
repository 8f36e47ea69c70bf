"""Local folders of registered models, their SHA-256 checked before anyone loads them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import RegistryError
from components.files import digest_tree, read_json
from components.tracking.registration import LINEAGE
from components.tracking.serving import MODEL
from components.tracking.tracker import Tracker, mlflow_errors
from components.tracking.versions import (
    champion_of,
    checked_files,
    current_number,
    current_version,
    find_version,
    get_version,
)


@dataclass(frozen=True)
class LoadedVersion:
    """A version at hand: the folder that `save_pretrained` wrote, and that of the reward model for it."""

    name: str
    version: str
    folder: Path
    reward: Path


def load_version(tracker: Tracker, kind: str) -> LoadedVersion:
    """The champion, or the last retraining's "candidate" or "sft", with the reward model to score its answers.

    A number is that production version, champion or not.

    Raises:
        RegistryError: there is none yet, or MLflow cannot be reached.
        ModelError: a file is not the one that was registered.
    """
    with mlflow_errors():
        version = of_kind(tracker, kind)
        files = checked_files(tracker, version)
        reward = checked_files(tracker, reward_of(tracker, files))
    return LoadedVersion(version.name, str(version.version), files / MODEL, reward / MODEL)


def load_contenders(tracker: Tracker) -> list[LoadedVersion]:
    """The champion and the last retraining's candidate; one of them where the other is not there, or the same model.

    Raises:
        RegistryError: there is neither, or MLflow cannot be reached.
        ModelError: a file is not the one that was registered.
    """
    with mlflow_errors():
        there = {"champion": champion_of(tracker), "candidate": current_version(tracker, "candidate")}
    kinds = [kind for kind, found in there.items() if found is not None]
    loaded = [load_version(tracker, kind) for kind in kinds or ["candidate"]]
    same = len(loaded) == 2 and digest_tree(loaded[0].folder) == digest_tree(loaded[1].folder)
    return loaded[:1] if same else loaded


def of_kind(tracker: Tracker, kind: str) -> Any:
    """The champion, or what the last retraining made of a kind.

    Raises:
        RegistryError: there is none yet.
    """
    if kind.isdecimal():
        return get_version(tracker, tracker.name, kind)
    if kind != "champion":
        return _current(tracker, kind)
    champion = champion_of(tracker)
    if champion is None:
        raise RegistryError(
            f"{tracker.name} has no champion yet",
            "run `rlhf promote VERSION --approver NAME` first, or ask `--model candidate`",
        )
    return get_version(tracker, tracker.name, champion)


def number_of(tracker: Tracker, kind: str) -> str | None:
    """Which version `load_version` would load now, or None where there is none: one question to the registry.

    Raises:
        RegistryError: MLflow cannot be reached.
    """
    if kind.isdecimal():
        return kind
    with mlflow_errors():
        return champion_of(tracker) if kind == "champion" else current_number(tracker, kind)


def reference_of(tracker: Tracker, version: LoadedVersion) -> Path | None:
    """The folder of the SFT model that the version was trained from; None where it has no such parent.

    Raises:
        RegistryError: the registry has it no longer, or cannot be reached.
        ModelError: a file is not the one that was registered.
    """
    number = read_json(version.folder.parent / LINEAGE)["parents"].get("sft")
    if number is None:
        return None
    with mlflow_errors():
        return checked_files(tracker, _parent(tracker, "sft", number)) / MODEL


def _current(tracker: Tracker, kind: str) -> Any:
    version = current_version(tracker, kind)
    if version is None:
        raise RegistryError(f"{tracker.model(kind)} has no version yet", "run `rlhf retrain`")
    return version


def reward_of(tracker: Tracker, files: Path) -> Any:
    """The reward model that the version was trained against; for the SFT model, the current one."""
    number = read_json(files / LINEAGE)["parents"].get("reward")
    return _current(tracker, "reward") if number is None else _parent(tracker, "reward", number)


def _parent(tracker: Tracker, kind: str, number: str) -> Any:
    """A version's parent; where that was damaged and registered anew, the newest version with the same files."""
    name = tracker.model(kind)
    parent = get_version(tracker, name, number)
    return find_version(tracker, name, "source_sha256", parent.tags["source_sha256"]) or parent
