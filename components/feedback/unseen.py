"""Which characters a reader sees."""

from __future__ import annotations

import unicodedata

#: Format characters, controls, unassigned, and combining marks with nothing to combine with.
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"})
#: Letters that leave the paper white: Hangul fillers, Braille blank.
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def is_seen(character: str) -> bool:
    """Whether a reader sees it by itself."""
    return character not in _FILLERS and unicodedata.category(character) not in _UNSEEN
