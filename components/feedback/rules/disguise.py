"""Words that are not what they look like: characters without width inside, letters of another script."""

from __future__ import annotations

import re

from components.feedback.reasons import Reason
from components.feedback.rules.text_rule import TextRule

#: Letters and digits of scripts that write a word without joiners and part words by blanks.
_PLAIN = (
    "0-9A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af"
    "\u0370-\u03ff\u0400-\u052f\u0531-\u0587\u1e00-\u1fff"
)
#: Hebrew, Arabic and the scripts of India join letters by U+200C and U+200D, but have no use for the others inside a
#: word. (Thai, Lao, Khmer, Burmese, Tibetan, Chinese and Japanese mark by U+200B where a line may break.)
_JOINED = "\u05d0-\u05ea\u0620-\u06ff\u0900-\u0dff"
_INVISIBLE = "\u200b\u2060\ufeff\u180e"
_INVISIBLES = re.compile(f"[\u200c\u200d{_INVISIBLE}]")
_ZERO_WIDTH = re.compile(
    f"[{_PLAIN}{_JOINED}][{_INVISIBLE}]+[{_PLAIN}{_JOINED}]|[{_PLAIN}][\u200c\u200d{_INVISIBLE}]+[{_PLAIN}]"
)

_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
_GREEK, _CYRILLIC = "\u0370-\u03ff", "\u0400-\u052f"
#: Armenian, Coptic, Cherokee: nobody writes one word in these and in Latin letters.
_RARE = "\u0531-\u0587\u13a0-\u13fd\u2c80-\u2cff\uab70-\uabbf"
_NOT_LATIN = re.compile(f"[{_GREEK}{_CYRILLIC}{_RARE}]")
_MARKS = "\u0300-\u036f"
_MARK = re.compile(f"[{_MARKS}]+")
_WORD = re.compile(f"[{_LATIN}{_GREEK}{_CYRILLIC}{_RARE}{_MARKS}]+")
_RUN = re.compile(f"[{_LATIN}]+|[{_GREEK}]+|[{_CYRILLIC}]+|[{_RARE}]+")
_IS_LATIN, _IS_GREEK, _IS_RARE = (re.compile(f"[{letters}]") for letters in (_LATIN, _GREEK, _RARE))
#: Letters that a reader takes for Latin ones; and Latin ones that a reader takes for Cyrillic.
_LIKE_LATIN = frozenset("асеһіјӏорѕԛухԝьАВСЕНІЈКМОРЅТХҮѴԌԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧοιυϲϳ")
_LIKE_CYRILLIC = frozenset("aceopxyijsABCEHIKMOPSTXY")
#: Greek letters that pass for Latin ones in small print, but stand for themselves in formulas: pαypal, not sinα.
_NEARLY_LATIN = frozenset("αγεηικνορτυχω")
_FUNCTIONS = "arg|cos|cosh|cot|csc|curl|det|div|exp|grad|lim|ln|log|max|min|mod|rot|sec|sgn|sin|sinh|tan|tanh"
#: Small Latin letters before and after Greek, of a word and not of a function's name.
_BEFORE = re.compile(rf"(?!.*(?:{_FUNCTIONS})\Z)[a-z]{{3,}}")
_AFTER = re.compile(rf"(?!{_FUNCTIONS})[a-z]{{3,}}")


def zero_width_in(text: str) -> str | None:
    """Says which character without width stands inside a word."""
    match = _ZERO_WIDTH.search(text) if not text.isascii() and _INVISIBLES.search(text) else None
    return None if match is None else f"holds U+{ord(match[0][1]):04X}, which has no width, inside a word"


def mixed_scripts_in(text: str) -> str | None:
    """Says that a word is made of letters of two scripts such that one passes for the other.

    PDFка, Δx, kΩ, TNFα and Python用 are how people write.
    """
    if text.isascii() or not _NOT_LATIN.search(text):
        return None
    words = (_MARK.sub("", match[0]) for match in _WORD.finditer(text) if not match[0].isascii())
    mixed = next((word for word in words if _is_mixed(_RUN.findall(word))), None)
    return None if mixed is None else f"holds the word {ascii(mixed[:40])[1:-1]}, of letters of two scripts"


def _is_mixed(runs: list[str]) -> bool:
    if len(runs) < 2 or not any(_IS_LATIN.match(run) for run in runs):
        return False
    if any(_IS_RARE.match(run) for run in runs):
        return True
    if any(_IS_GREEK.match(run) for run in runs):
        return any(_passes_for_latin(runs, place) for place in range(len(runs)))
    alike = any(_LIKE_LATIN.issuperset(run) or _LIKE_CYRILLIC.issuperset(run) for run in runs)
    return alike or len(runs) > 2


def _passes_for_latin(runs: list[str], place: int) -> bool:
    """Whether this run is Greek that is there to be read as Latin."""
    if _IS_LATIN.match(runs[place]):
        return False
    if _LIKE_LATIN.issuperset(runs[place]):
        return True
    if not _NEARLY_LATIN.issuperset(runs[place]):
        return False
    before, after = "".join(runs[max(0, place - 1) : place]), "".join(runs[place + 1 : place + 2])
    return _BEFORE.fullmatch(before) is not None or _AFTER.fullmatch(after) is not None


_OTHERS = r"\x{370}-\x{3ff}\x{400}-\x{52f}\x{531}-\x{587}\x{13a0}-\x{13fd}\x{2c80}-\x{2cff}\x{ab70}-\x{abbf}"
_LATINS = r"A-Za-z\x{c0}-\x{24f}"
ZERO_WIDTH = TextRule(Reason.ZW, zero_width_in, r"[\x{200b}-\x{200d}\x{2060}\x{feff}\x{180e}]")
HOMOGLYPH = TextRule(
    Reason.HOMOGLYPH,
    mixed_scripts_in,
    rf"[{_LATINS}][\x{{300}}-\x{{36f}}]*[{_OTHERS}]|[{_OTHERS}][\x{{300}}-\x{{36f}}]*[{_LATINS}]",
)
