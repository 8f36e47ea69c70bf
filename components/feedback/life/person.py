"""Where one person is named: in a row as it came, whatever its format, and in what is on record about batches."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

#: In place of a person's name, and of what they said in a row that was refused.
WITHDRAWN = "[withdrawn]"
#: Fields that name people, in the formats that are read and in our own records.
_FIELDS = frozenset(
    {"annotator", "annotators", "annotator_id", "worker", "user", "user_id", "rater", "completed_by"}
)
#: Keys of findings and figures under which words of our own stand: they stay, whatever people are called.
_OUR_WORDS = frozenset({"code", "action", "remedy", "answer", "kind", "what"})
#: A shorter name, or a number, is a name only where a field names people: texts are full of it.
_LEAST_CHARS = 3


class _Object(NamedTuple):
    """A JSON object, with keys that are given twice."""

    pairs: list[tuple[str, Any]]


class _Leaf(NamedTuple):
    """A text or a whole number; `of_person`: whether its field names people."""

    text: str
    of_person: bool


class Person:
    """Somebody whose feedback is withdrawn.

    Args:
        name: as votes and rows have it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._is_common = len(name) < _LEAST_CHARS or name.isdigit()
        # As it is, as JSON may spell it, and as messages write names.
        spellings = {name, json.dumps(name)[1:-1], ascii(name)[1:-1]}
        spelled = "|".join(map(re.escape, sorted(spellings, key=len, reverse=True)))
        # Alone: "ann" is not in "joann", "ann-17" or "ann.b".
        self._word = re.compile(rf"(?<![\w@-])(?<!\w\.)(?:{spelled})(?![\w@-]|\.\w)")
        self._quoted = re.compile(rf"(?<=['\"])(?:{spelled})(?=['\"])")

    def is_named_in(self, raw: str, *, is_csv: bool) -> bool | None:
        """Whether a row as it came names this person; None where it cannot be read and does not spell the name."""
        leaves = _leaves_of(raw, is_csv)
        if leaves is None:
            return True if self._word.search(raw) else None
        return any(map(self._is_named_by, leaves))

    def is_told_in(self, message: str) -> bool:
        """Whether one of our own messages names this person: it does so in quotes."""
        return self._quoted.search(message) is not None

    def hidden(self, record: Any, of_person: bool = False) -> Any:
        """A record, as JSON, without the name; keys and words of our own stay: decisions rest on them."""
        if isinstance(record, dict):
            return {
                key: value if key in _OUR_WORDS else self.hidden(value, key in _FIELDS)
                for key, value in record.items()
            }
        if isinstance(record, list):
            return [self.hidden(value, of_person) for value in record]
        if not isinstance(record, str):
            return record
        if of_person and record == self.name:
            return WITHDRAWN
        return (self._quoted if self._is_common else self._word).sub(WITHDRAWN, record)

    def _is_named_by(self, leaf: _Leaf) -> bool:
        if leaf.text == self.name:
            return leaf.of_person or not self._is_common
        return not self._is_common and self._word.search(leaf.text) is not None


def _leaves_of(raw: str, is_csv: bool) -> list[_Leaf] | None:
    """All that a row says; None where it cannot be read."""
    if not is_csv or raw.startswith("{"):
        try:
            return list(_leaves(_parsed(raw)))
        except (ValueError, RecursionError):
            # No JSON; or numbers longer, or brackets deeper, than Python reads.
            pass
    return _cells(raw) if is_csv else None


def _parsed(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_Object)


def _leaves(value: Any, of_person: bool = False) -> Iterator[_Leaf]:
    if isinstance(value, _Object):
        for key, item in value.pairs:
            yield _Leaf(key, of_person=False)
            yield from _leaves(item, of_person or key in _FIELDS)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, of_person)
    elif isinstance(value, str):
        yield _Leaf(value, of_person)
    elif isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
        yield _Leaf(str(int(value)), of_person)


def _cells(raw: str) -> list[_Leaf] | None:
    """The cells of a row of CSV: which columns name people nobody knows any more, so each may."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        cells = [cell for row in csv.reader(io.StringIO(raw, newline=""), strict=True) for cell in row]
    except csv.Error:
        return None
    finally:
        csv.field_size_limit(before)
    return [leaf for cell in cells for leaf in (_Leaf(cell, of_person=True), *_inside(cell))]


def _inside(cell: str) -> list[_Leaf]:
    """What lists and objects in a cell say."""
    try:
        return list(_leaves(_parsed(cell))) if cell.startswith(("[", "{")) else []
    except (ValueError, RecursionError):
        return []
