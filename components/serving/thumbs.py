"""Thumbs that people gave answers: stored with prompt and answer, one row a thumb, until they are exported."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from components.databases import Database
from components.exports import SCHEMA as EXPORTS
from components.exports import claim, drop_empty, finish
from components.feedback.fields import Fields
from components.feedback.readers import thumbs
from components.feedback.reasons import BatchError, RowError
from components.feedback.rules import Rules
from components.workspace import STATE

#: Where the database lies, below the project's folder.
DATABASE = STATE / "chat" / "thumbs.sqlite"
#: What `source` says in every row.
SOURCE = "rlhf-chat"
#: thumbs: `id` is of the answer. consents: of people at a terminal. settings: the key that signs answers and sessions.
SCHEMA = f"""
{EXPORTS}
CREATE TABLE IF NOT EXISTS thumbs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    annotator TEXT NOT NULL,
    up INTEGER NOT NULL CHECK (up IN (0, 1)),
    prompt TEXT NOT NULL,
    response TEXT NOT NULL,
    model TEXT NOT NULL,
    temperature REAL NOT NULL,
    top_p REAL NOT NULL,
    seed INTEGER NOT NULL,
    given_at TEXT NOT NULL,
    export INTEGER REFERENCES exports
);
CREATE TABLE IF NOT EXISTS consents (annotator TEXT PRIMARY KEY, given_at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Said:
    """An answer that may get a thumb.

    Attributes:
        id: of this answer and no other; model: the version that gave it, as "reviews/3".
    """

    id: str
    prompt: str
    response: str
    model: str
    temperature: float
    top_p: float
    seed: int


class Thumb(StrEnum):
    """What a person does; none takes back what they gave."""

    up = "up"
    down = "down"
    none = "none"


class Outcome(StrEnum):
    """stored; gone: taken back; final: exported already; other: somebody else gave it."""

    stored = "stored"
    gone = "gone"
    final = "final"
    other = "other"


def new_id() -> str:
    return f"chat-{secrets.token_hex(12)}"


class Thumbs(Database):
    """Args: path: of the database; made where there is none."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)

    def give(self, said: Said, annotator: str, thumb: Thumb) -> Outcome:
        """Store a thumb, change it, or take it back. It is on the disk when this returns."""
        with self.writing() as connection:
            found = connection.execute(
                "SELECT annotator, export FROM thumbs WHERE id = ?", (said.id,)
            ).fetchone()
            if found is not None and found["annotator"] != annotator:
                return Outcome.other
            if found is not None and found["export"] is not None:
                return Outcome.final
            connection.execute("DELETE FROM thumbs WHERE id = ?", (said.id,))
            if thumb is Thumb.none:
                return Outcome.gone
            row = asdict(said) | {"annotator": annotator, "up": thumb is Thumb.up, "given_at": _now()}
            names = ", ".join(row)
            marks = ", ".join(f":{name}" for name in row)
            connection.execute(f"INSERT INTO thumbs ({names}) VALUES ({marks})", row)  # noqa: S608
        return Outcome.stored

    def has_consent(self, annotator: str) -> bool:
        """Whether a person at a terminal has agreed that thumbs are stored."""
        found = self.reading().execute("SELECT 1 FROM consents WHERE annotator = ?", (annotator,)).fetchone()
        return found is not None

    def give_consent(self, annotator: str) -> None:
        with self.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO consents VALUES (?, ?)", (annotator, _now()))

    def erase(self, annotator: str) -> int:
        """Forget a person; how many thumbs went."""
        with self.forgetting() as connection:
            gone = connection.execute("DELETE FROM thumbs WHERE annotator = ?", (annotator,)).rowcount
            connection.execute("DELETE FROM consents WHERE annotator = ?", (annotator,))
        return gone

    def begin_export(self, *, everything: bool = False) -> tuple[int, list[dict[str, Any]]] | None:
        """Claim what no finished export has: the export's number and its rows; None where there is nothing.

        Args:
            everything: what was exported before, too.
        """
        with self.writing() as connection:
            number = claim(connection, "thumbs")
            query = "SELECT * FROM thumbs WHERE export = ? OR ? ORDER BY number"
            rows = [_row(dict(found)) for found in connection.execute(query, (number, everything))]
            if not rows:
                drop_empty(connection, number)
                return None
        return number, rows

    def finish_export(self, number: int) -> None:
        """Mark what was written; from here on only `everything` writes it again."""
        finish(self, number)


def fault_in(said: Said, annotator: str, rules: Rules) -> str | None:
    """What ingestion would have against the feedback; None where it takes it.

    One secret in a prompt would have a whole file refused, with everybody's thumbs.
    """
    row = asdict(said) | {"annotator": annotator, "up": True, "given_at": _now()}
    try:
        rules.check(thumbs.read(Fields(_row(row))))
    except RowError as error:
        return f"{error.field}: {error.what}"
    except BatchError as error:
        return error.message
    return None


def _row(found: dict[str, Any]) -> dict[str, Any]:
    """A thumb as `rlhf ingest` reads it; `model` and how the answer was drawn are kept beside it."""
    kept = {name: found[name] for name in ("id", "prompt", "response")}
    drawn = {name: found[name] for name in ("model", "temperature", "top_p", "seed")}
    given = {"thumbs_up": bool(found["up"]), "annotator": found["annotator"], "created_at": found["given_at"]}
    return {**kept, **given, "source": SOURCE, **drawn}


def _now() -> str:
    return datetime.now(UTC).isoformat()
