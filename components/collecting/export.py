"""Judgements on their way out: rows that `rlhf ingest` takes as they are, each judgement once.

A judgement is claimed by an export before anything is written, and is final from then on. An export that was killed
before it finished leaves its claims to the next one, which writes them again under the same ids: ingestion counts
those once.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from components.collecting.store import Store
from components.exports import claim, drop_empty, finish
from components.files import sha256_bytes

#: What `source` says in every row.
SOURCE = "rlhf-collect"
#: A judgement beside what belongs to it, as `_ROWS` finds them.
Row = sqlite3.Row | dict[str, Any]
_ROWS = """
SELECT j.*, a.name, t.id AS task_id, t.prompt, t.response_a, t.response_b, t.gold, t.language,
    t.digest, s.swapped, (SELECT value FROM settings WHERE name = 'origin') AS origin
FROM judgements j JOIN annotators a ON a.number = j.annotator JOIN tasks t ON t.number = j.task
JOIN servings s ON s.annotator = j.annotator AND s.task = j.task
WHERE j.verdict != 'skip' AND (j.export = ? OR ?) ORDER BY j.number
"""


@dataclass
class Export:
    """Rows by kind: they go to a file each, for a file of feedback has one format. number: of the export."""

    number: int
    judgements: int = 0
    rows: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"pairwise": [], "edit": [], "rating": []}
    )


def begin_export(store: Store, *, everything: bool = False) -> Export | None:
    """Claim what no finished export has written; None where there is nothing.

    Args:
        everything: write what was exported before, too; what is new is claimed likewise.
    """
    # A name of its own: pairs judged anew in another database are other judgements.
    store.setting("origin", secrets.token_hex(16))
    with store.writing() as connection:
        number = claim(connection, "judgements", "verdict != 'skip'")
        found = connection.execute(_ROWS, (number, everything)).fetchall()
        if not found:
            drop_empty(connection, number)
            return None
    export = Export(number, len(found))
    for row in found:
        _add(export, row)
    return export


def finish_export(store: Store, export: Export) -> None:
    """Mark what was written; from here on only `everything` writes it again."""
    finish(store, export.number)


def pairwise_row(row: Row) -> dict[str, Any]:
    """A pair as it was shown: `response_a` stood left, so ingestion can tell who takes the left one whatever it is."""
    left, right = ("b", "a") if row["swapped"] else ("a", "b")
    sides = {left: "a", right: "b"}
    entries = {
        "id": _id(row),
        "prompt": row["prompt"],
        "response_a": row[f"response_{left}"],
        "response_b": row[f"response_{right}"],
        "preferred": sides.get(row["verdict"], "tie"),
        "strength": row["strength"],
        "gold": sides.get(row["gold"], row["gold"]),
        "both_bad": True if row["verdict"] == "bad" else None,
        "comment": row["comment"],
    }
    return _signed(entries, row)


def edit_row(row: Row) -> dict[str, Any]:
    """What the better answer became in the person's hands."""
    entries = {
        "id": f"{_id(row)}-edit",
        "prompt": row["prompt"],
        "response": row[f"response_{row['verdict']}"],
        "edited_response": row["edited"],
    }
    return _signed(entries, row)


def rating_row(row: Row, side: str) -> dict[str, Any]:
    entries = {
        "id": f"{_id(row)}-stars-{side}",
        "prompt": row["prompt"],
        "response": row[f"response_{side}"],
        "rating": row[f"stars_{side}"],
    }
    return _signed(entries, row)


def _add(export: Export, row: sqlite3.Row) -> None:
    export.rows["pairwise"].append(pairwise_row(row))
    if row["edited"] is not None:
        export.rows["edit"].append(edit_row(row))
    export.rows["rating"] += [rating_row(row, side) for side in "ab" if row[f"stars_{side}"] is not None]


def _id(row: Row) -> str:
    """The same in every export of this database; another one for another pair, or in another database."""
    of = [row["origin"], row["name"], row["task_id"], row["digest"]]
    digest = sha256_bytes(json.dumps(of).encode("utf-8"))
    return f"collect-{digest[:24]}"


def _signed(entries: dict[str, Any], row: Row) -> dict[str, Any]:
    about = {
        "annotator": row["name"],
        "created_at": row["answered_at"],
        "seconds": row["seconds"],
        "language": row["language"],
        "task": row["task_id"],
        "source": SOURCE,
    }
    return {name: value for name, value in (entries | about).items() if value is not None}
