"""JSON lines in blocks. Lines end at a line feed alone: other separators are text."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from components.feedback.limits import KEPT_RAW_CHARS, MAX_LINE_BYTES
from components.feedback.parsing.block import BLOCK_BYTES, Block, RecordBlock
from components.feedback.parsing.quick_json import decode_plain
from components.feedback.parsing.record import Record, long_record, record_of, too_long
from components.feedback.parsing.streams import PlainStream, Span
from components.feedback.parsing.strict_json import StrictJson
from components.feedback.parsing.utf8 import BYTE_ORDER_MARK, decode, not_utf8, sound_part
from components.feedback.reasons import RowError

_BLANKS = " \t\r\n"
#: Of a block: rows of a few bytes hold a hundred times as much memory.
_MOST_LINES = 1 << 16


@dataclass(frozen=True)
class LineBlock:
    """Whole lines, as bytes."""

    name: str
    first_line: int
    content: bytes | Span

    def records(self) -> Sequence[Record]:
        content = self.content.read() if isinstance(self.content, Span) else self.content
        text = decode(self.name, content, self.first_line)
        decoder = StrictJson()
        numbered = enumerate(text.split("\n"), start=self.first_line)
        there = [(number, line) for number, line in numbered if line.strip(_BLANKS)]
        plain = decode_plain([line for _, line in there])
        return [_record(decoder, *each, values) for each, values in zip(there, plain, strict=True)]


def line_blocks(name: str, stream: PlainStream) -> Iterator[Block]:
    """The file's lines, in order. A line too long to be a record is never held as a whole.

    Raises:
        BatchError: as PlainStream.read, or ENCODING in a line that is too long.
    """
    line, rest = 1, b""
    while chunk := stream.read(BLOCK_BYTES):
        content = rest + (chunk.removeprefix(BYTE_ORDER_MARK) if line == 1 and not rest else chunk)
        end = content.rfind(b"\n") + 1
        start = stream.count - len(content)
        for part in _cut(content[:end]):
            yield LineBlock(name, line, stream.piece(start, part))
            line += part.count(b"\n")
            start += len(part)
        rest = content[end:]
        if len(rest) > MAX_LINE_BYTES:
            record, rest, ended = _skip(name, stream, line, rest)
            yield RecordBlock([record])
            line += ended
    if rest:
        yield LineBlock(name, line, rest)


def _cut(lines: bytes) -> Iterator[bytes]:
    """Whole lines, in parts of no more lines than a worker should hold at once."""
    while lines.count(b"\n") > _MOST_LINES:
        end = 0
        for _ in range(_MOST_LINES):
            end = lines.index(b"\n", end) + 1
        yield lines[:end]
        lines = lines[end:]
    if lines:
        yield lines


def _skip(name: str, stream: PlainStream, line: int, start: bytes) -> tuple[Record, bytes, int]:
    """Read to the end of an overlong line: it as a record, what stands behind it, and whether it ended."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    passed = 0
    try:
        raw = decoder.decode(start)[:KEPT_RAW_CHARS]
        passed += len(start)
        while chunk := stream.read(BLOCK_BYTES):
            end = chunk.find(b"\n")
            decoder.decode(chunk if end < 0 else chunk[:end], final=end >= 0)
            if end >= 0:
                return long_record(line, raw), chunk[end + 1 :], 1
            passed += len(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        # What a chunk has of its last character is decoded with the next one.
        left_out = passed - len(decoder.getstate()[0])
        raise not_utf8(name, line, sound_part(error), left_out) from None
    return long_record(line, raw), b"", 0


def _record(decoder: StrictJson, number: int, line: str, plain: dict[str, Any] | None) -> Record:
    if too_long(line):
        return long_record(number, line)
    if plain is not None:
        return Record(number, line, plain)
    try:
        return record_of(number, line, decoder.decode(line))
    except RowError as fault:
        return Record(number, line, fault=fault)
