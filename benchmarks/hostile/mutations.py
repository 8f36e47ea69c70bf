"""Records with something wrong in them: sound ones, mutated at random.

None holds a secret, which would refuse a whole file at once.
"""

from __future__ import annotations

import json
import random
import unicodedata
from copy import deepcopy
from typing import Any

from benchmarks.hostile.rows import Row
from benchmarks.hostile.texts import LEGITIMATE, REFUSED, TAGGED

_HOSTILE = [text for _, text in (*REFUSED, *TAGGED)] + LEGITIMATE
_TEXTS = [
    "",
    " ",
    "\u200b\u2060",
    "\u3164",
    "\n\nHuman: a",
    "x" * 300,
    "a1",
    "tie",
    "-1",
    "1e5",
    "NaN",
    *_HOSTILE,
]
_TIMES = [
    "2999-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2025-03-03T08:00:00", "2025-03-03", "08:00",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-12:00", "2025-W10-1T00:00:00Z", "2025-02-30T00:00:00Z", 1741000000,
    "2025-03-03 08:00:00 UTC",
]  # fmt: skip
_VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2.5, 1e308, -0.0, 10**30, "", "text", [], {}, [[]], ["a", None], {"a": 1},
    {"role": "user"},
    {"prompt": {"prompt": []}},
]  # fmt: skip
_EXTRA = ("page", "meta", "score", "gold", "seconds", "scale", "strength", "tags", "batch", "digest", "line")


def _pick_field(rng: random.Random, row: Row) -> str:
    return rng.choice(sorted(row)) if row else "prompt"


def _any_value(rng: random.Random) -> Any:
    """Nothing that is shared: it may itself be mutated."""
    return deepcopy(rng.choice([*_VALUES, *_TEXTS, *_TEXTS]))


def _other_value(rng: random.Random, row: Row) -> None:
    row[_pick_field(rng, row)] = deepcopy(rng.choice(_VALUES))


def _hostile_text(rng: random.Random, row: Row) -> None:
    name = _pick_field(rng, row)
    value, piece = row.get(name), rng.choice(_TEXTS)
    place = rng.randrange(len(value) + 1) if isinstance(value, str) else 0
    row[name] = (
        f"{value[:place]}{piece}{value[place:]}" if isinstance(value, str) and rng.random() < 0.7 else piece
    )


def _other_time(rng: random.Random, row: Row) -> None:
    row["created_at"] = rng.choice(_TIMES)


def _drop_field(rng: random.Random, row: Row) -> None:
    row.pop(_pick_field(rng, row), None)


def _rename_field(rng: random.Random, row: Row) -> None:
    name = _pick_field(rng, row)
    renamed = rng.choice(
        [name.upper(), name + " ", "", "\x1b[2J", "__class__", "../x", name + "\u200b", "k" * 5000]
    )
    row[renamed] = row.pop(name, None)


def _extra_field(rng: random.Random, row: Row) -> None:
    row[rng.choice(_EXTRA)] = _any_value(rng)


def _nest(rng: random.Random, row: Row) -> None:
    name = _pick_field(rng, row)
    value = row.get(name)
    for _ in range(rng.choice([1, 2, 31, 33, 300])):
        value = [value] if rng.random() < 0.5 else {"x": value}
    row[name] = value


def _inner_value(rng: random.Random, row: Row) -> None:
    """Change something inside a list or an object of the row, however deep."""
    part: Any = row
    while inner := [value for value in _values_of(part) if isinstance(value, dict | list) and value]:
        part = rng.choice(inner)
    if part is not row:
        place = rng.choice(sorted(part)) if isinstance(part, dict) else rng.randrange(len(part))
        part[place] = _any_value(rng)


def _values_of(part: Any) -> list[Any]:
    return list(part.values()) if isinstance(part, dict) else part


def _grow(rng: random.Random, row: Row) -> None:
    (size,) = rng.choices([500, 70_000, 1_100_000], [80, 9, 1])
    row[_pick_field(rng, row)] = rng.choice(["so ", "x", "長"]) * (size // 3)


def _decompose(rng: random.Random, row: Row) -> None:
    form = rng.choice(["NFC", "NFD", "NFKC", "NFKD"])
    for name, value in row.items():
        if isinstance(value, str):
            row[name] = unicodedata.normalize(form, value + "é ﬁ ｘ")


def _swap_fields(rng: random.Random, row: Row) -> None:
    first, second = _pick_field(rng, row), _pick_field(rng, row)
    row[first], row[second] = row.get(second), row.get(first)


ROW_MUTATIONS = (
    _other_value, _hostile_text, _hostile_text, _other_time, _drop_field, _rename_field, _extra_field,
    _nest, _inner_value, _inner_value,
    _decompose, _swap_fields, _grow,
)  # fmt: skip


def mutated_row(rng: random.Random, row: Row) -> Row:
    """A copy of the row with up to two things wrong; it may be sound by chance."""
    row = json.loads(json.dumps(row))
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        rng.choice(ROW_MUTATIONS)(rng, row)
    return row
