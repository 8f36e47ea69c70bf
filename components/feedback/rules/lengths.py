"""How long a text is in words and signs: a measure that no tokenizer's choice changes."""

from __future__ import annotations

import re

#: An ideograph, a syllable of Japanese, Thai or Korean; up to 16 letters of another word; a sign. Long runs of letters
#: are no words, and tokenizers cut them small.
_PIECE = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
    r"|\w{1,16}|[^\w\s]"
)


def is_longer(text: str, pieces: int) -> bool:
    """Whether a text has more than so many words and signs."""
    # No piece is shorter than a character: few texts must be counted.
    return len(text) > pieces and sum(1 for _ in _PIECE.finditer(text)) > pieces
