"""Plain rows, which most are, decoded several times as fast; any other is left to StrictJson."""

from __future__ import annotations

from typing import Any

import orjson

#: What JSON may have between a key and its colon.
_BLANKS = frozenset(" \t\r\n")
_PLAIN = frozenset({str, int, bool, type(None)})


def decode_plain(line: str) -> dict[str, Any] | None:
    """The object that the line holds, as StrictJson decodes it; None where only StrictJson can tell.

    orjson takes a key that is given twice. It is ruled out by counting: where no blank stands before a colon, each key
    ends in the two signs `":`, so there are no more keys than these, and if the object has as many, none was lost.
    """
    before_colons = [part[-1:] for part in line.split(":")[:-1]]
    if not _BLANKS.isdisjoint(before_colons):
        return None
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict) or before_colons.count('"') != len(value):
        return None
    # Numbers with a point may overflow, lists may hold what was not counted.
    return value if _PLAIN.issuperset(map(type, value.values())) else None
