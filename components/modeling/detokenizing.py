"""From tokens to text, one token at a time: no part of a character is ever shown."""

from __future__ import annotations

from typing import Any

#: What a decoder writes for bytes that spell no character, or not yet.
_BROKEN = "\N{REPLACEMENT CHARACTER}"


class Detokenizer:
    """Reads the tokens of one text in their order; special tokens have no text.

    All that `add` and the last `rest` give, put together, is what the tokenizer makes of all tokens at once.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._tokens: list[int] = []
        # The last tokens that gave text, and where what gave none yet begins.
        self._before = self._now = 0

    def add(self, token: int) -> str:
        """The text that a token completes; empty where it is part of a character that others will complete.

        It is read behind the one before it, because some tokenizers drop the space at a text's beginning.
        """
        self._tokens.append(token)
        text = self._new_text()
        if text.endswith(_BROKEN):
            return ""
        self._before, self._now = self._now, len(self._tokens)
        return text

    def rest(self) -> str:
        """The text of what never became a character."""
        return self._new_text() if self._now < len(self._tokens) else ""

    def _new_text(self) -> str:
        known = self._text(self._tokens[self._before : self._now])
        return self._text(self._tokens[self._before :])[len(known) :]

    def _text(self, tokens: list[int]) -> str:
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=True)
        return text
