"""Plain rows, which most are, decoded several times as fast; any other is left to StrictJson."""

from __future__ import annotations

from typing import Any

import orjson

#: Before a colon that ends a key, JSON may have one of these.
_BLANK_COLONS = (" :", "\t:", "\r:", "\n:")
_PLAIN = frozenset({str, int, bool, type(None)})


def decode_plain(line: str) -> dict[str, Any] | None:
    """The object that the line holds, as StrictJson decodes it; None where only StrictJson can tell.

    orjson takes a key that is given twice. It is ruled out by counting: without a blank before a colon each key
    ends in the two signs `":`, so there are no more keys than these, and if the object has as many, none was lost.
    """
    if any(blank in line for blank in _BLANK_COLONS):
        return None
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict) or line.count('":') != len(value):
        return None
    # Numbers with a point may overflow, lists may hold what was not counted.
    return value if _PLAIN.issuperset(map(type, value.values())) else None
