"""One JSON array of objects, read element by element: a bad row costs that row, never its neighbours."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any

from components.feedback.parsing.block import BLOCK_BYTES, Block, cut
from components.feedback.parsing.record import Record, long_record, record_of, too_long
from components.feedback.parsing.streams import PlainStream
from components.feedback.parsing.strict_json import StrictJson
from components.feedback.parsing.utf8 import not_utf8, sound_part
from components.feedback.reasons import BatchError, Reason, RowError

_BLANKS = " \t\r\n"
#: No element is looked for further: what is broken is told, and memory stays bounded.
_MOST_CHARS = 128 << 20


def array_blocks(name: str, stream: PlainStream) -> Iterator[Block]:
    """The array's elements, each with the line it begins on.

    Raises:
        BatchError: TRUNCATED or JSON when the array itself is broken: its records cannot be told apart then.
    """
    return cut(_elements(name, _Text(name, stream)))


class _Text:
    """The part of the text that is not read yet, from a place on that moves."""

    def __init__(self, name: str, stream: PlainStream) -> None:
        self._name = name
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._counted = 0
        #: Bytes of the line of the place that were let go.
        self._left_out = 0
        self.line = 1
        self.text = ""
        self.place = 0
        self.ended = False

    def more(self) -> bool:
        """Read on; False where there is nothing more."""
        if self.ended:
            return False
        chunk = self._stream.read(BLOCK_BYTES)
        self.ended = not chunk
        self._let_go()
        try:
            self.text += self._decoder.decode(chunk, final=self.ended)
        except UnicodeDecodeError as error:
            before = self.text.encode("utf-8") + sound_part(error)
            raise not_utf8(self._name, self.line, before, self._left_out) from None
        return True

    def _let_go(self) -> None:
        """Forget what stands before the place, but for where it is."""
        self.line_of_place()
        start = self.text.rfind("\n", 0, self.place) + 1
        self._left_out = len(self.text[start : self.place].encode("utf-8")) + (0 if start else self._left_out)
        self.text = self.text[self.place :]
        self.place = self._counted = 0

    def line_of_place(self) -> int:
        self.line += self.text.count("\n", self._counted, self.place)
        self._counted = self.place
        return self.line

    def next_sign(self) -> str:
        """The next character that is no blank, "" at the end; the place is there then."""
        while True:
            while self.place < len(self.text) and self.text[self.place] in _BLANKS:
                self.place += 1
            if self.place < len(self.text):
                return self.text[self.place]
            if not self.more():
                return ""


def _elements(name: str, text: _Text) -> Iterator[Record]:
    decoder = StrictJson()
    text.next_sign()
    text.place += 1
    while text.next_sign() != "]":
        yield _element(name, decoder, text)
        _pass_comma(name, text)
    text.place += 1
    if text.next_sign():
        raise _broken(name, text, "more text after the array")


def _element(name: str, decoder: StrictJson, text: _Text) -> Record:
    line = text.line_of_place()
    value, end, fault = _decode(name, decoder, text)
    raw = text.text[text.place : end]
    text.place = end
    if too_long(raw):
        return long_record(line, raw)
    return record_of(line, raw, value) if fault is None else Record(line, raw, fault=fault)


def _decode(name: str, decoder: StrictJson, text: _Text) -> tuple[Any, int, RowError | None]:
    """The element at the place; where it seems broken it may only not have been read to its end."""
    while True:
        try:
            value, end, fault = decoder.decode_at(text.text, text.place)
            # A number may go on behind the end of what was read.
            if end < len(text.text) or not text.more():
                return value, end, fault
        except json.JSONDecodeError as error:
            if len(text.text) - text.place > _MOST_CHARS or not text.more():
                raise _broken(name, text, error.msg) from None
        except RecursionError:
            raise _broken(name, text, "nested too deep") from None


def _pass_comma(name: str, text: _Text) -> None:
    """Go to where the next element begins, or to the bracket that closes the array."""
    sign = text.next_sign()
    if sign == "]":
        return
    if sign != ",":
        raise _broken(name, text, "expected a comma or the end of the array")
    text.place += 1
    if text.next_sign() == "]":
        raise _broken(name, text, "a comma before the end of the array")


def _broken(name: str, text: _Text, what: str) -> BatchError:
    line = text.line_of_place()
    last = text.text[text.place :].rstrip(_BLANKS)[-1:]
    while text.more():
        last = text.text.rstrip(_BLANKS)[-1:] or last
        text.place = len(text.text)
    if last != "]":
        return BatchError(Reason.TRUNCATED, f"{name} ends inside its JSON array", "send the whole file again")
    return BatchError(Reason.JSON, f"{name} line {line} is not JSON: {what}", "mend the array at this place")
