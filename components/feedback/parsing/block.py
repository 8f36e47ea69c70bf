"""A piece of a file that one worker can turn into records by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from components.feedback.parsing.record import Record

#: Bytes of lines in a block, and rows of a block of a form whose records are made by one reader.
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
