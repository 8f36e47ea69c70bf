"""What became of a file's rows, added up over its blocks."""

from __future__ import annotations

from collections import Counter

from components.feedback.limits import MAX_ROWS
from components.feedback.ratio import check_share
from components.feedback.reasons import REPEATS, BatchError, Reason
from components.feedback.sifting import Counts


class Tally:
    """Counts of the blocks of one file, in its order; a block that is sorted anew replaces what it was.

    Args:
        file: as people know it.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._blocks: dict[int, Counts] = {}

    def count(self, block: Counts) -> None:
        """Add a block.

        Raises:
            BatchError: TOO_LARGE.
        """
        self._blocks[block.number] = block
        if self.read > MAX_ROWS:
            raise BatchError(Reason.TOO_LARGE, f"{self._file} has more than {MAX_ROWS} rows", "split it")

    @property
    def read(self) -> int:
        return sum(block.read for block in self._blocks.values())

    @property
    def accepted(self) -> int:
        return sum(block.accepted for block in self._blocks.values())

    @property
    def automatic(self) -> int:
        """Accepted rows that no person judged."""
        return sum(block.automatic for block in self._blocks.values())

    @property
    def duplicates(self) -> int:
        return sum(self._refused()[code] for code in REPEATS)

    @property
    def reasons(self) -> dict[str, int]:
        """Quarantined rows by reason, the most frequent first; duplicates are counted apart."""
        return {code: count for code, count in self._refused().most_common() if code not in REPEATS}

    @property
    def tags(self) -> dict[str, int]:
        return dict(sum((block.tags for block in self._blocks.values()), Counter()).most_common())

    @property
    def parts(self) -> dict[str, str]:
        """Files of accepted rows and their SHA-256, in the order of the file."""
        return dict(block.part for block in self._blocks.values() if block.part is not None)

    def check(self) -> None:
        """Pass a file of which enough is sound.

        Raises:
            BatchError: EMPTY, BAD_RATIO or, where people's rows stand among automatic ones, AUTOMATIC.
        """
        first = next((block.first_fault for block in self._blocks.values() if block.first_fault), "")
        check_share(self._file, self.read, self.accepted + self.duplicates, self.reasons, first)
        if 0 < self.automatic < self.accepted:
            what = f"{self._file} holds {self.automatic} automatic rows among {self.accepted}"
            remedy = "send what people said and what they did not in a file each"
            raise BatchError(Reason.AUTOMATIC, what, remedy, self.read)

    def _refused(self) -> Counter[str]:
        return sum((block.reasons for block in self._blocks.values()), Counter())
