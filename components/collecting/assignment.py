"""Who gets which pair: those with the fewest judgements first, none twice to one person, gold questions mixed in.

What looks random is drawn from the seed, the person and the pair, so a restart draws the same again.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from dataclasses import dataclass

from components.collecting.store import Store

#: Who leaves a pair open for longer no longer keeps it from others.
LAPSES_S = 1800.0
_COLUMNS = "t.number, t.id, t.prompt, t.response_a, t.response_b, t.language"
_UNSEEN = "NOT EXISTS (SELECT 1 FROM servings s WHERE s.annotator = :annotator AND s.task = t.number)"
_OPEN = f"""
SELECT {_COLUMNS}, v.swapped FROM servings v JOIN tasks t ON t.number = v.task
WHERE v.annotator = ? AND v.state != 'answered' ORDER BY v.served_at LIMIT 1
"""  # noqa: S608 - no text of a person's
_NEEDED = f"""
SELECT t.number FROM tasks t INDEXED BY tasks_by_need
WHERE t.gold IS NULL AND t.taken < :votes AND {_UNSEEN} ORDER BY t.taken, t.number LIMIT 1
"""  # noqa: S608
_GOLD = f"""
SELECT t.number FROM tasks t WHERE t.gold IS NOT NULL AND {_UNSEEN} ORDER BY t.number
"""  # noqa: S608


@dataclass(frozen=True)
class Plan:
    """How pairs are dealt: section `collect` of params.yaml, and its seed."""

    seed: int
    votes: int
    gold_share: float


@dataclass(frozen=True)
class Pair:
    """A pair as one person sees it.

    Attributes:
        swapped: whether response_b stands left.
    """

    number: int
    id: str
    prompt: str
    response_a: str
    response_b: str
    language: str | None
    swapped: int

    @property
    def left(self) -> str:
        return self.response_b if self.swapped else self.response_a

    @property
    def right(self) -> str:
        return self.response_a if self.swapped else self.response_b


def next_pair(store: Store, annotator: int, plan: Plan) -> Pair | None:
    """The pair that the person has before them, or a new one; None where nothing is left for them.

    Asked again it is the same pair, and its clock runs on from the first time.
    """
    found = store.reading().execute(_OPEN, (annotator,)).fetchone()
    if found is None:
        with store.writing() as connection:
            # Once more: two windows may ask at once.
            found = connection.execute(_OPEN, (annotator,)).fetchone() or _serve(connection, annotator, plan)
    return None if found is None else Pair(**found)


def _serve(connection: sqlite3.Connection, annotator: int, plan: Plan) -> sqlite3.Row | None:
    now = time.time()
    _let_lapse(connection, now)
    task = _choose(connection, annotator, plan)
    if task is None:
        return None
    swapped = _draw(plan.seed, "order", annotator, task) < 0.5
    connection.execute(
        "INSERT INTO servings VALUES (?, ?, ?, ?, 'open')", (annotator, task, int(swapped), now)
    )
    connection.execute("UPDATE tasks SET taken = taken + 1 WHERE number = ?", (task,))
    row: sqlite3.Row = connection.execute(_OPEN, (annotator,)).fetchone()
    return row


def _choose(connection: sqlite3.Connection, annotator: int, plan: Plan) -> int | None:
    """A gold question where the draw says so and one is left; never gold alone, for it teaches nothing."""
    asked = {"annotator": annotator, "votes": plan.votes}
    needed = connection.execute(_NEEDED, asked).fetchone()
    if needed is None:
        return None
    seen = connection.execute("SELECT count(*) FROM servings WHERE annotator = ?", (annotator,)).fetchone()[0]
    if _draw(plan.seed, "gold", annotator, seen) < plan.gold_share:
        gold = [row["number"] for row in connection.execute(_GOLD, asked)]
        if gold:
            return min(gold, key=lambda task: _draw(plan.seed, "which", annotator, task))
    return int(needed["number"])


def _let_lapse(connection: sqlite3.Connection, now: float) -> None:
    lapsed = connection.execute(
        "SELECT annotator, task FROM servings WHERE state = 'open' AND served_at < ?", (now - LAPSES_S,)
    ).fetchall()
    for annotator, task in lapsed:
        connection.execute(
            "UPDATE servings SET state = 'lapsed' WHERE annotator = ? AND task = ?", (annotator, task)
        )
        connection.execute("UPDATE tasks SET taken = taken - 1 WHERE number = ?", (task,))


def _draw(*of: object) -> float:
    """A number in [0, 1) that these always give."""
    digest = hashlib.sha256(repr(of).encode("utf-8")).digest()
    return int.from_bytes(digest[:7], "big") / (1 << 56)
