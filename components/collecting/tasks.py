"""Pairs to judge: read from JSONL, held against the rules of ingestion, and added once."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.collecting.store import Store
from components.errors import FeedbackError
from components.feedback.fields import Fields
from components.feedback.judgements import digest_of
from components.feedback.limits import MAX_LINE_BYTES
from components.feedback.parsing.strict_json import StrictJson
from components.feedback.printable import printable
from components.feedback.readers import pairwise
from components.feedback.reasons import REMEDIES, BatchError, Reason, RowError
from components.feedback.rules import Rules

FIELDS = ("prompt", "response_a", "response_b", "id", "gold", "language")
#: A pair by FIELDS, with its `digest`, the same in either order; id is never None.
Task = dict[str, str | None]
#: Why `rlhf next-batch` chose a pair stays in its file.
_KEPT_THERE = "why"
_GOLD = ("a", "b", "tie")
#: A tag such as en, zh or pt-BR: it becomes the attribute `lang` of the texts.
LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_ADD = """
INSERT INTO tasks (id, digest, prompt, response_a, response_b, gold, language)
VALUES (:id, :digest, :prompt, :response_a, :response_b, :gold, :language)
"""


@dataclass(frozen=True)
class Refusal:
    """A row that is no pair to judge. field: at fault, or "" for the row as a whole; remedy: what to do."""

    file: str
    line: int
    field: str
    what: str
    remedy: str


@dataclass
class Added:
    """What became of a file.

    Attributes:
        known: pairs that were there already, and stay as they are.
        marked: pairs that were there already, and became gold questions.
        ignored: fields that mean nothing here.
    """

    file: str
    added: int = 0
    known: int = 0
    marked: int = 0
    refused: list[Refusal] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)


def add_tasks(store: Store, path: Path, rules: Rules) -> Added:
    """Add the pairs of a JSONL file that are sound and new, in one transaction.

    They are checked before it begins: who judges meanwhile waits for the insertions alone.

    Args:
        rules: of ingestion: what they refuse would be judged for nothing.

    Raises:
        FeedbackError: the file cannot be read as UTF-8.
    """
    result = Added(printable(str(path)))
    sound = read_tasks(path, rules, result)
    with store.writing() as connection:
        for number, task in sound:
            with _refusals(result, number):
                _add(connection, task, result)
    result.refused.sort(key=lambda refusal: refusal.line)
    return result


def read_tasks(path: Path, rules: Rules, result: Added) -> list[tuple[int, Task]]:
    """The sound pairs of a JSONL file, each with its line; what is wrong with the others goes to `result`.

    Raises:
        FeedbackError: the file cannot be read as UTF-8.
    """
    sound = []
    for number, line in _lines(path):
        with _refusals(result, number):
            sound.append((number, _task(line, rules, result)))
    return sound


@contextmanager
def _refusals(result: Added, line: int) -> Iterator[None]:
    """Note what is wrong with a row, and go on with the next."""
    try:
        yield
    except RowError as error:
        result.refused.append(Refusal(result.file, line, error.field, error.what, REMEDIES[error.code]))
    except BatchError as error:
        result.refused.append(Refusal(result.file, line, "", error.message, error.remedy))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as handle:
            yield from ((number, line) for number, line in enumerate(handle, start=1) if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        what = f"cannot read {printable(str(path))}: {getattr(error, 'strerror', None) or error}"
        raise FeedbackError(what, "give a file of JSON lines in UTF-8; nothing of it was added") from None


def _task(line: str, rules: Rules, result: Added) -> Task:
    if len(line) > MAX_LINE_BYTES:
        raise RowError(Reason.LINE_LONG, "", "is longer than 1 MiB")
    values = StrictJson().decode(line)
    if not isinstance(values, dict):
        raise RowError(Reason.TYPE, "", "is not a JSON object")
    result.ignored |= {printable(name)[:40] for name in values.keys() - {*FIELDS, _KEPT_THERE}}
    task: Task = _texts(values)
    # The same pair in either order is one pair.
    answers = sorted((str(task["response_a"]), str(task["response_b"])))
    digest = digest_of((str(task["prompt"]), *answers))
    task |= {"digest": digest, "id": task["id"] or f"pair-{digest[:16]}"}
    given = {name: value for name in FIELDS if (value := task[name]) is not None}
    check_pair(given, rules)
    return task


def check_pair(row: Mapping[str, Any], rules: Rules) -> None:
    """Raises RowError or BatchError where ingestion would refuse a judgement of the pair, whatever it said."""
    rules.check(pairwise.read(Fields({**row, "preferred": "tie"})))


def _texts(values: Mapping[str, Any]) -> Task:
    fields = Fields(values)
    gold, language = fields.optional_text("gold"), fields.optional_text("language")
    if gold is not None and gold not in _GOLD:
        raise RowError(Reason.RANGE, "gold", f"is {gold[:40]!a}, expected a, b or tie")
    if language is not None and not LANGUAGE.fullmatch(language):
        raise RowError(Reason.RANGE, "language", f"is {language[:40]!a}, expected a tag such as en or zh")
    texts: dict[str, str | None] = {name: fields.text(name) for name in FIELDS[:3]}
    return texts | {"id": fields.name("id"), "gold": gold, "language": language}


def _add(connection: sqlite3.Connection, task: Task, result: Added) -> None:
    same = connection.execute("SELECT digest FROM tasks WHERE id = :id", task).fetchone()
    if same is not None and same["digest"] != task["digest"]:
        raise RowError(Reason.ID_CONFLICT, "id", "is the id of another pair that was added before")
    known = connection.execute("SELECT * FROM tasks WHERE digest = :digest", task).fetchone()
    if known is None:
        connection.execute(_ADD, task)
        result.added += 1
    elif (gold := _gold_for(known, task)) in (None, known["gold"]):
        result.known += 1
    else:
        _mark(connection, known, gold)
        result.marked += 1


def _gold_for(known: sqlite3.Row, task: Task) -> str | None:
    """What a row says is right, in the order of the pair that is there."""
    if known["response_a"] == task["response_a"]:
        return task["gold"]
    return {"a": "b", "b": "a"}.get(task["gold"] or "", task["gold"])


def _mark(connection: sqlite3.Connection, known: sqlite3.Row, gold: str | None) -> None:
    """Make a pair a gold question, where no other answer was known and nobody has seen it as an ordinary one."""
    what = f"is the pair {known['id'][:40]!a} of before"
    if known["gold"] is not None:
        remedy = "keep the gold of one of the two: it cannot be changed"
        raise BatchError(Reason.ID_CONFLICT, f"{what}, whose gold is another answer", remedy)
    if connection.execute("SELECT 1 FROM servings WHERE task = ?", (known["number"],)).fetchone():
        remedy = "give another pair as a gold question: this one stays an ordinary one"
        raise BatchError(Reason.ID_CONFLICT, f"{what}, which somebody was shown without gold", remedy)
    connection.execute("UPDATE tasks SET gold = ? WHERE number = ?", (gold, known["number"]))
