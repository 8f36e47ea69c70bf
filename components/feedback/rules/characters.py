"""Characters that a text must not hold before a tokenizer or a terminal sees it, and texts that show nothing."""

from __future__ import annotations

import re
import unicodedata

from components.feedback.reasons import Reason
from components.feedback.rules.text_rule import TextRule
from components.feedback.unseen import is_seen

#: C0 controls but tab, line feed and carriage return; and DEL. An escape sequence begins with one.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: Letters that nobody sees and every model reads: tag characters but in a flag (black flag, region, end), and
#: variation selectors in a row (one after an ideograph is spelling).
_HIDDEN = re.compile(
    "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
    "|([\U000e0000-\U000e007f]|[\U000e0100-\U000e01ef]{2})"
)
#: Embeddings, overrides and isolates: a text reads otherwise than it is (Boucher 2021, "Trojan Source").
#: The plain marks of right-to-left writing (U+200E, U+200F, U+061C) are allowed.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")

#: Texts that begin so are not empty (a regular expression of the Rust engine): scripts that most texts are written in.
SEEN_AT_ONCE = r"\A[!-~À-ɏΑ-ΡΣ-ωА-яא-תء-يअ-हก-ฮぁ-ゖァ-ヺ一-龥가-힣]"


def is_empty(text: str) -> bool:
    """Whether a reader would see nothing."""
    # Nearly every text begins with something to see.
    if text[:1] > " " and text[:1] < "\x7f":
        return False
    return not any(map(is_seen, text))


def folded(text: str) -> str:
    """The text after NFKC and trimming: texts that look alike are equal then."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFKC", text).strip()


def control_in(text: str) -> str | None:
    """Says which control character a text holds, or which that hides letters."""
    if match := _CONTROL.search(text):
        return f"holds the control character {_code_point(match[0])}"
    if text.isascii():
        return None
    hidden = next((match[1] for match in _HIDDEN.finditer(text) if match[1]), None)
    return None if hidden is None else f"holds hidden characters, from {_code_point(hidden)}"


def bidi_in(text: str) -> str | None:
    """Says which bidirectional control character a text holds."""
    match = None if text.isascii() else _BIDI.search(text)
    return None if match is None else f"holds the bidirectional control character {_code_point(match[0])}"


def _code_point(characters: str) -> str:
    return f"U+{ord(characters[0]):04X}"


CONTROL = TextRule(Reason.CONTROL, control_in, r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{e0000}-\x{e01ef}]")
BIDI = TextRule(Reason.BIDI, bidi_in, r"[\x{202a}-\x{202e}\x{2066}-\x{2069}]")
