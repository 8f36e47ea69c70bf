"""A piece of a file that one worker can turn into records by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from components.feedback.parsing.record import Record

#: A block is cut after so many bytes or rows: many short rows hold as much memory as few long ones.
BLOCK_BYTES = 8 << 20
BLOCK_ROWS = 8192


class Block(Protocol):
    """Records that lie together in a file."""

    def records(self) -> Sequence[Record]:
        """The records, the bad ones among them with their fault.

        Raises:
            BatchError: ENCODING.
        """


@dataclass(frozen=True)
class RecordBlock:
    """Records that are read already."""

    read: Sequence[Record]

    def records(self) -> Sequence[Record]:
        return self.read


def cut(records: Iterable[Record]) -> Iterator[Block]:
    """Records that are read one after the other, in blocks."""
    block: list[Record] = []
    size = 0
    for record in records:
        block.append(record)
        size += len(record.raw)
        if len(block) >= BLOCK_ROWS or size >= BLOCK_BYTES:
            yield RecordBlock(block)
            block, size = [], 0
    if block:
        yield RecordBlock(block)
