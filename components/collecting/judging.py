"""What a person says of a pair, stored once however often it is sent, and changed only by who said it."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum

from components.collecting.assignment import Pair
from components.collecting.store import Store
from components.collecting.tokens import Form
from components.files import sha256_bytes

#: Nobody thinks for longer: they were away. Longer times are stored as this.
MOST_S = 1800.0
STRENGTHS = {"slightly": 0.5, "clearly": 1.0}
_SERVED = """
SELECT t.number, t.id, t.prompt, t.response_a, t.response_b, t.language, s.swapped
FROM servings s JOIN tasks t ON t.number = s.task WHERE s.annotator = ? AND s.task = ?
"""
_LAST = "SELECT * FROM judgements WHERE annotator = ? ORDER BY answered_at DESC, number DESC LIMIT 1"
_VALUES = ("verdict", "strength", "stars_a", "stars_b", "edited", "comment")
_INSERT = f"""
INSERT INTO judgements (annotator, task, {", ".join(_VALUES)}, seconds, answered_at, form)
VALUES (:annotator, :task, :{", :".join(_VALUES)}, :seconds, :answered_at, :form)
"""  # noqa: S608 - names of columns
_UPDATE = f"""
UPDATE judgements SET revision = revision + 1, {", ".join(f"{name} = :{name}" for name in _VALUES)},
    answered_at = :answered_at, form = :form WHERE annotator = :annotator AND task = :task
"""  # noqa: S608


class Outcome(StrEnum):
    """What became of an answer. again: it was stored already; stale: it answers a page that something newer replaced;
    final: the judgement was exported meanwhile; past: the person has judged another pair since; unknown: the pair was
    never shown to this person."""

    stored = "stored"
    again = "again"
    stale = "stale"
    final = "final"
    past = "past"
    unknown = "unknown"


@dataclass(frozen=True)
class Answer:
    """An answer as the person sees the pair.

    Attributes:
        choice: left, right, tie, bad (neither is any good) or skip.
        strength: slightly or clearly, of left and right alone; "" where they did not say.
        edited: the better answer as they would have it, or "" where it is as they want it.
    """

    choice: str
    strength: str = ""
    stars_left: int | None = None
    stars_right: int | None = None
    edited: str = ""
    comment: str = ""


@dataclass(frozen=True)
class Last:
    """A judgement that can still be changed, with the pair as it was shown."""

    pair: Pair
    answer: Answer
    revision: int


def served_pair(store: Store, annotator: int, task: int) -> Pair | None:
    """A pair as this person was shown it; None where it never was."""
    row = store.reading().execute(_SERVED, (annotator, task)).fetchone()
    return None if row is None else Pair(**row)


def last_judgement(store: Store, annotator: int) -> Last | None:
    """What the person said last, where it was not exported yet: from then on it is final."""
    row = store.reading().execute(_LAST, (annotator,)).fetchone()
    if row is None or row["export"] is not None:
        return None
    pair = served_pair(store, annotator, row["task"])
    return None if pair is None else Last(pair, _answer(row, pair), row["revision"])


def record(store: Store, annotator: int, form: Form, answer: Answer) -> Outcome:
    """Store an answer; when this returns, it is on the disk."""
    digest = sha256_bytes(json.dumps(asdict(answer), sort_keys=True).encode("utf-8"))
    with store.writing() as connection:
        row = connection.execute(_SERVED, (annotator, form.task)).fetchone()
        if row is None:
            return Outcome.unknown
        known = connection.execute(
            "SELECT * FROM judgements WHERE annotator = ? AND task = ?", (annotator, form.task)
        ).fetchone()
        last = connection.execute(_LAST, (annotator,)).fetchone()
        objection = _objection(known, form, digest, last)
        if objection is None:
            values = verdict_of(answer, row["swapped"]) | {"annotator": annotator, "task": form.task}
            _write(connection, values | {"form": digest}, known)
        return objection or Outcome.stored


def _objection(
    known: sqlite3.Row | None, form: Form, digest: str, last: sqlite3.Row | None
) -> Outcome | None:
    """Why an answer is not to be stored; None where it is.

    A page of `/back` may stay open for long: what was said before the last one is not changed from it, for the
    person has heard of their agreement with others on it since.
    """
    revision = 0 if known is None else known["revision"]
    if known is not None and form.revision == revision - 1 and known["form"] == digest:
        return Outcome.again
    if form.revision != revision:
        return Outcome.stale
    if known is None:
        return None
    if known["export"] is not None:
        return Outcome.final
    return None if last is not None and last["number"] == known["number"] else Outcome.past


def verdict_of(answer: Answer, swapped: int) -> dict[str, object]:
    """The answer in the task's own order, whichever side was left."""
    sides = ("b", "a") if swapped else ("a", "b")
    stars = dict(zip(sides, (answer.stars_left, answer.stars_right), strict=True))
    decided = answer.choice in ("left", "right")
    said = answer.choice != "skip"
    return {
        "verdict": dict(zip(("left", "right"), sides, strict=True)).get(answer.choice, answer.choice),
        "strength": STRENGTHS.get(answer.strength) if decided else None,
        "stars_a": stars["a"] if said else None,
        "stars_b": stars["b"] if said else None,
        "edited": (answer.edited or None) if decided else None,
        "comment": answer.comment or None,
    }


def _answer(row: sqlite3.Row, pair: Pair) -> Answer:
    """As `verdict_of`, the other way."""
    left, right = ("b", "a") if pair.swapped else ("a", "b")
    return Answer(
        choice={left: "left", right: "right"}.get(row["verdict"], row["verdict"]),
        strength=next((name for name, value in STRENGTHS.items() if value == row["strength"]), ""),
        stars_left=row[f"stars_{left}"],
        stars_right=row[f"stars_{right}"],
        edited=row["edited"] or "",
        comment=row["comment"] or "",
    )


def _write(connection: sqlite3.Connection, values: dict[str, object], known: sqlite3.Row | None) -> None:
    where = (values["annotator"], values["task"])
    served = connection.execute(
        "SELECT served_at, state FROM servings WHERE annotator = ? AND task = ?", where
    ).fetchone()
    seconds = min(max(time.time() - served["served_at"], 0.0), MOST_S)
    values |= {
        "seconds": round(seconds, 3),
        "answered_at": datetime.now(UTC).isoformat(timespec="microseconds"),
    }
    counted = served["state"] == "open" if known is None else known["verdict"] != "skip"
    connection.execute(_INSERT if known is None else _UPDATE, values)
    connection.execute("UPDATE servings SET state = 'answered' WHERE annotator = ? AND task = ?", where)
    connection.execute(
        "UPDATE tasks SET taken = taken + ? WHERE number = ?",
        (int(values["verdict"] != "skip") - int(counted), values["task"]),
    )
