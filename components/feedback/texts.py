"""What a text must not be or hold before a tokenizer or a terminal sees it."""

from __future__ import annotations

import re
import unicodedata

#: C0 controls but tab, line feed and carriage return; and DEL. An escape sequence begins with one.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: Embeddings, overrides and isolates: a text reads otherwise than it is (Boucher 2021, "Trojan Source").
#: The plain marks of right-to-left writing (U+200E, U+200F, U+061C) are allowed.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
#: Tokens that tokenizers take for commands: those of known models, and the forms <|name|> and <｜name｜>.
#: Whole tokens alone: <span>, [INSTALL] and [Sep] are text. <s> and </s> are refused in HTML and code too:
#: LLaMA's tokenizer makes them its begin and end of text wherever they stand.
_SPECIAL_TOKEN = re.compile(
    r"<\|[^\s<>|]{1,60}\|>|<｜[^\s<>｜]{1,60}｜>"
    r"|</?s>|<</?SYS>>|\[/?INST\]|<(?:start|end)_of_turn>"
    r"|<(?:pad|bos|eos|unk|mask|sep|cls)>|<(?:PAD|BOS|EOS|UNK|MASK|SEP|CLS)>|\[(?:PAD|BOS|EOS|UNK|MASK|SEP|CLS)\]"
)
#: Format characters, controls, unassigned, and combining marks with nothing to combine with.
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"})
#: Letters that leave the paper white: Hangul fillers, Braille blank.
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def is_empty(text: str) -> bool:
    """Whether a reader would see nothing."""
    return not any(
        character not in _FILLERS and unicodedata.category(character) not in _UNSEEN for character in text
    )


def control_in(text: str) -> str | None:
    """The first control character, as U+001B, or None."""
    return _code_point(_CONTROL.search(text))


def bidi_in(text: str) -> str | None:
    """The first bidirectional control character, as U+202E, or None."""
    return _code_point(_BIDI.search(text))


def special_token_in(text: str) -> str | None:
    """The first special token, in ASCII, or None."""
    match = _SPECIAL_TOKEN.search(text)
    return None if match is None else ascii(match[0])[1:-1]


def folded(text: str) -> str:
    """The text after NFKC and trimming: texts that look alike are equal then."""
    return unicodedata.normalize("NFKC", text).strip()


def _code_point(match: re.Match[str] | None) -> str | None:
    return None if match is None else f"U+{ord(match[0]):04X}"
