"""Plain rows, which most are, decoded several times as fast; any other is left to StrictJson."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import polars as pl

#: What JSON may have between a key and its colon, and a colon behind it.
_LOOSE_COLON = r"[ \t\r\n]:"
_KEY_END = '":'
_PLAIN = frozenset({str, int, bool, type(None)})


def decode_plain(lines: Sequence[str]) -> list[dict[str, Any] | None]:
    """For each line the object that it holds, as StrictJson decodes it; None where only StrictJson can tell.

    orjson takes a key that is given twice. It is ruled out by counting: where no blank stands before a colon, each key
    ends in the two signs `":`, so there are no more keys than these, and if the object has as many, none was lost.
    """
    texts = pl.Series(lines, dtype=pl.String)
    tight = ~texts.str.contains(_LOOSE_COLON)
    keys = texts.str.count_matches(_KEY_END, literal=True)
    return [_decoded(*each) for each in zip(lines, tight, keys, strict=True)]


def _decoded(line: str, tight: bool, keys: int) -> dict[str, Any] | None:
    if not tight:
        return None
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict) or keys != len(value):
        return None
    # Numbers with a point may overflow, lists may hold what was not counted.
    return value if _PLAIN.issuperset(map(type, value.values())) else None
