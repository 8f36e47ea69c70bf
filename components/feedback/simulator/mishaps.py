"""Rows broken on purpose, as real batches bring them, so that the quarantine has something to show."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from components.feedback.simulator.formats import Row, to_lines

#: At most one row in this many is broken.
SOUND_ROWS_EACH = 25


def break_some(rng: random.Random, rows: Sequence[Row]) -> list[str]:
    """The rows as JSON lines, and a broken copy of some: one of each mishap while there are rows enough.

    Nothing that was sound is lost: a broken line is an extra line, below the line it was copied from.
    """
    lines = to_lines(rows)
    for number, mishap in enumerate(list(MISHAPS.values())[: len(rows) // SOUND_ROWS_EACH]):
        row = dict(rng.choice(rows[: len(rows) // 2]))
        line = mishap(row, f"{row['id']}-broken-{number}")
        lines.insert(rng.randrange(len(rows) // 2, len(lines)), line)
    return lines


def _cut_off(row: dict[str, Any], name: str) -> str:
    return json.dumps(row | {"id": name})[:-20]


def _spoil(**fields: Any) -> Callable[[dict[str, Any], str], str]:
    return lambda row, name: json.dumps(row | {"id": name} | fields)


def _same_twice(row: dict[str, Any], name: str) -> str:
    return json.dumps(row | {"id": name, "rejected": row["chosen"]})


def _smuggle_token(row: dict[str, Any], name: str) -> str:
    return json.dumps(row | {"id": name, "chosen": row["chosen"] + " <|endoftext|>"})


def _keep_the_id(row: dict[str, Any], name: str) -> str:
    return json.dumps(row | {"prompt": f"{row['prompt']} Please."})


#: Reason code of the quarantine -> how a line comes to deserve it.
MISHAPS: dict[str, Callable[[dict[str, Any], str], str]] = {
    "JSON": _cut_off,
    "EMPTY_RESP": _spoil(rejected="  "),
    "IDENTICAL": _same_twice,
    "SPECIAL_TOKEN": _smuggle_token,
    "TYPE": _spoil(rejected=42),
    "DUP_ID": _keep_the_id,
}
