"""The model in production, laid where the stage `evaluate` finds it: what a new candidate must beat."""

from __future__ import annotations

import shutil
from pathlib import Path

from components.files import digest_tree, replacing_directory, write_text
from components.tracking.loading import load_version
from components.tracking.overview import has_registry
from components.tracking.tracker import Tracker, connect, mlflow_errors
from components.tracking.versions import champion_of

PLACE = Path("data/champion/version")
POLICY = Path("models/policy")
#: Beside it: nobody could say whether there is a champion. A candidate evaluated then is blocked.
UNKNOWN = Path("data/champion/unknown")


def place_champion(root: Path) -> bool:
    """Bring data/champion up to the registry; whether anything changed there.

    A policy that is champion itself stays held against what it was held against before: it need not beat itself.

    Raises:
        RegistryError: MLflow cannot be reached.
        ModelError: the champion's files are not those that were registered.
    """
    changed = _bring_up_to_date(root)
    (root / UNKNOWN).unlink(missing_ok=True)
    return changed


def keep_known_champion(root: Path) -> None:
    """After `place_champion` failed: what lies there stays what must be beaten; where nothing does, that is told."""
    if not (root / PLACE).exists():
        write_text(
            root / UNKNOWN,
            "The registry did not say which model is in production, or its files are damaged.\n",
        )


def _bring_up_to_date(root: Path) -> bool:
    place = root / PLACE
    tracker = connect(root) if has_registry(root) else None
    if tracker is None or not _is_crowned(tracker):
        return _clear(place)
    champion = load_version(tracker, "champion").folder
    wanted = digest_tree(champion)
    if wanted in (_digests(root / POLICY), _digests(place)):
        return False
    with replacing_directory(place) as folder:
        shutil.copytree(champion, folder, dirs_exist_ok=True)
    return True


def _is_crowned(tracker: Tracker) -> bool:
    with mlflow_errors():
        return champion_of(tracker) is not None


def _clear(place: Path) -> bool:
    there = place.exists()
    shutil.rmtree(place, ignore_errors=True)
    return there


def _digests(folder: Path) -> dict[str, str]:
    return digest_tree(folder) if folder.exists() else {}
