"""What is to be told to people, on disk until every notifier has taken it: a killed process tells it later.

A file for each piece of news, named by the digest of its key: the same news is told once. Who dies after a notifier
took it and before that is written tells it twice; the other order might tell it never.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from components.files import read_json, sha256_bytes, write_json
from components.locks import exclusive
from components.workspace import STATE

FOLDER = STATE / "outbox"
#: News is remembered for so long: so that it is not told again, or in case a notifier takes it yet.
KEPT_S = 180 * 24 * 3600.0

Kind = Literal[
    "candidate_ready",
    "candidate_blocked",
    "batch_held",
    "batch_rejected",
    "run_failed",
    "training_diverged",
    "health",
]


@dataclass(frozen=True)
class News:
    """Something that a person must know, in plain words and without any text of feedback.

    Attributes:
        key: what tells it from other news of its kind: told once.
    """

    kind: Kind
    key: str
    subject: str
    body: str


@dataclass
class Letter:
    """News on its way.

    Attributes:
        owed: notifiers that have not taken it, each with the reason, "" before the first attempt.
        attempts: how many times they were asked, at `asked_at` the last time (seconds since 1970).
        made_at: seconds since 1970.
    """

    news: News
    owed: dict[str, str]
    attempts: int = 0
    asked_at: float = 0.0
    made_at: float = field(default_factory=time.time)


@contextmanager
def letter_of(root: Path, news: News, notifiers: tuple[str, ...]) -> Iterator[Letter]:
    """The letter with this news, new or as it was left; nobody else has it in the block, and then it is kept."""
    path = _path(root, news)
    with exclusive(path.with_suffix(".lock")):
        letter = _read(path) or Letter(news, dict.fromkeys(notifiers, ""))
        _write(path, letter)
        yield letter
        _write(path, letter)


def is_known(root: Path, kind: Kind, key: str) -> bool:
    """Whether this news was told, or is on its way."""
    return _path(root, News(kind, key, "", "")).exists()


def unsent(root: Path) -> list[Letter]:
    """Letters that a notifier has not taken, the oldest first."""
    return [letter for letter in _letters(root) if letter.owed]


def forget_old(root: Path) -> None:
    """Remove letters that are half a year old."""
    for letter in _letters(root):
        if time.time() - letter.made_at > KEPT_S:
            path = _path(root, letter.news)
            with suppress(OSError):
                path.unlink(missing_ok=True)
                path.with_suffix(".lock").unlink(missing_ok=True)


def _letters(root: Path) -> list[Letter]:
    found: list[Letter] = []
    for path in (root / FOLDER).glob("*.json"):
        # Another user's may be closed to this one: the others are read all the same.
        with suppress(OSError):
            letter = _read(path)
            found += [letter] if letter else []
    return sorted(found, key=lambda letter: letter.made_at)


def _path(root: Path, news: News) -> Path:
    digest = sha256_bytes(f"{news.kind}\n{news.key}".encode())
    return root / FOLDER / f"{digest[:32]}.json"


def _read(path: Path) -> Letter | None:
    """None where there is none, or it is not one."""
    try:
        content: dict[str, Any] = read_json(path)
        return Letter(**content | {"news": News(**content["news"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def _write(path: Path, letter: Letter) -> None:
    write_json(path, asdict(letter))
