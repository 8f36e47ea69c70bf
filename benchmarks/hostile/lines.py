"""Lines of JSON with something wrong in them, and bytes that need be no text at all."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from benchmarks.hostile.mutations import mutated_row
from benchmarks.hostile.rows import SOUND, Row

#: Numbers as no JSON has them, or no float holds them.
_BARE = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-1e999",
    "1" + "0" * 400,
    "0x10",
    "01",
    "+1",
    ".5",
    "1.",
    "1_000",
    "undefined",
    "'a'",
]
_CONTROLS = [
    "\x00",
    "\x1b",
    "\x7f",
    "\u2028",
    "\u0085",
    "\ufeff",
    "\u202e",
    "\U000e0041",
    "\u0301",
    "\ufffd",
    "\uffff",
]


def _bare_number(rng: random.Random, line: str) -> str:
    place = line.find(": ")
    end = line.find(",", place)
    return line if place < 0 or end < 0 else f"{line[: place + 2]}{rng.choice(_BARE)}{line[end:]}"


def _cut(rng: random.Random, line: str) -> str:
    return line[: rng.randrange(len(line) + 1)]


def _drop_character(rng: random.Random, line: str) -> str:
    place = rng.randrange(len(line) + 1)
    return line[:place] + line[place + rng.choice([1, 1, 2, 9]) :]


def _add_character(rng: random.Random, line: str) -> str:
    place = rng.randrange(len(line) + 1)
    return (
        line[:place]
        + rng.choice([*'{}[]",:\\', *_CONTROLS, "\\ud83d", "\\u0000", "\\x", "\r"])
        + line[place:]
    )


def _repeat_piece(rng: random.Random, line: str) -> str:
    start = rng.randrange(len(line) + 1)
    return line[:start] + line[start : start + rng.randrange(60)] + line[start:]


def _twice(rng: random.Random, line: str) -> str:
    return rng.choice(
        [line + line, line + " " + line, f"[{line}]", line + ",", "\ufeff" + line, line + " x", f'"{line}"']
    )


def _key_twice(_: random.Random, line: str) -> str:
    end = line.find(",")
    return line if end < 0 else f"{line[:end]}, {line[1:]}"


LINE_MUTATIONS = (_bare_number, _cut, _drop_character, _add_character, _repeat_piece, _twice, _key_twice)


def mutated_line(rng: random.Random, row: Row) -> str:
    """A row that is mutated as a record, and by chance again as text; it holds no line feed."""
    line = json.dumps(mutated_row(rng, row), ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.3:
        line = rng.choice(LINE_MUTATIONS)(rng, line)
    return line.replace("\n", " ")


def mutated_lines(rng: random.Random, name: str, count: int, first: int = 0) -> Iterator[str]:
    """Lines of a format, by SOUND's name, each of another row. The first is sound: it tells what the file is."""
    yield json.dumps(SOUND[name](first))
    yield from (mutated_line(rng, SOUND[name](first + number)) for number in range(1, count))


def spoiled(rng: random.Random, content: bytes) -> bytes:
    """The content of a file with some bytes changed, gone or too many."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 2, 8])):
        place = rng.randrange(len(changed) + 1)
        changed[place : place + rng.choice([0, 1, 1, 5])] = rng.randbytes(rng.choice([0, 1, 1, 4]))
    return bytes(changed)
