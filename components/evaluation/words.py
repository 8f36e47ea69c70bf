"""What counts as a word: what stands between spaces, and each character of a script that is written without them.

Counted by white space alone, a Chinese answer is one word however long: it could neither repeat itself nor vary, and
nothing would be seen of a phrase that took over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Thai and Lao, Myanmar, Khmer, Hiragana and Katakana, Han with its extensions: by Unicode's blocks.
_WITHOUT_SPACES = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[{_WITHOUT_SPACES}]|[^\s{_WITHOUT_SPACES}]+")
_PLAIN = re.compile(rf"[{_WITHOUT_SPACES}]|[^\W{_WITHOUT_SPACES}]+")
_BETWEEN = re.compile(rf"(?<=[{_WITHOUT_SPACES}]) (?=[{_WITHOUT_SPACES}])")


def words(text: str) -> list[str]:
    """Its words as they stand there, with the signs that they bear."""
    return _WORD.findall(text)


def plain_words(text: str) -> list[str]:
    """Its words without case and signs, so that the same said in capitals is the same."""
    return _PLAIN.findall(text.casefold())


def phrase_of(words: Sequence[str]) -> str:
    """Words in a row as they would be written."""
    return _BETWEEN.sub("", " ".join(words))
