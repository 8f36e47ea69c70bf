"""One file on its way through: its rows into a folder, its judgements into the index, its counts into a tally."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from components.errors import FeedbackError
from components.feedback.contradictions import contradictions
from components.feedback.index import FeedbackIndex
from components.feedback.parsing import Parsed, parsed
from components.feedback.parsing.envelope import Envelope
from components.feedback.pool import sift_blocks
from components.feedback.readers.registry import choose_reader
from components.feedback.reasons import RowError
from components.feedback.rules import Rules
from components.feedback.sifting import Job, Sifted, block_of
from components.feedback.tally import Tally

#: Called with how many rows are read so far.
OnRows = Callable[[int], None]


class Intake:
    """The rows of a file, sorted.

    Args:
        format_name: of a reader, or None to tell it by the columns.
        folder: an empty one, to work in.

    Attributes:
        reader: name of the format; None until it is known.
        rows: folder of the accepted rows.
    """

    def __init__(self, envelope: Envelope, format_name: str | None, rules: Rules, folder: Path) -> None:
        self._envelope = envelope
        self._format = format_name
        self._rules = rules
        self._refused, self._voices = folder / "refused", folder / "voices"
        self.rows = folder / "rows"
        self.reader = format_name
        for room in (self.rows, self._refused, self._voices):
            room.mkdir()

    def sort(self, index: FeedbackIndex, on_rows: OnRows) -> Tally:
        """Sort all rows, each by itself, and beside all others.

        Raises:
            BatchError: the file as a whole cannot be accepted.
        """
        tally = Tally(self._envelope.name)
        late: dict[int, dict[int, RowError]] = defaultdict(dict)
        with parsed(self._envelope) as file:
            for sifted in sift_blocks(self._job(file), enumerate(file.blocks), self._size()):
                tally.count(sifted.counts)
                _note(late, index.add(sifted.entries))
                on_rows(tally.read)
        faults = contradictions(self._voices, [place for block in late.values() for place in block])
        _note(late, faults)
        before = tally.accepted
        for sifted in self._sort_again(late):
            tally.count(sifted.counts)
            index.forget(entry for entry in sifted.entries if entry.place in faults)
        if tally.accepted != before - sum(map(len, late.values())):
            # Only the time differs: a row may have lain in the future when it was looked at first.
            raise FeedbackError(
                f"{self._envelope.name} was not the same when it was read again; nothing was ingested",
                "run it again",
            )
        tally.check()
        return tally

    def refused(self) -> list[Path]:
        """Files of refused rows, in the order of the file."""
        return sorted(self._refused.iterdir())

    def _sort_again(self, late: dict[int, dict[int, RowError]]) -> Iterator[Sifted]:
        """The blocks in which some rows turned out to be no good beside the others."""
        if late:
            with parsed(self._envelope) as file:
                blocks = ((number, block) for number, block in enumerate(file.blocks) if number in late)
                yield from sift_blocks(self._job(file), blocks, self._size(), late)

    def _job(self, file: Parsed) -> Job:
        self.reader = choose_reader(self._envelope.name, file.columns, self._format).name
        return Job(
            file=self._envelope.name,
            unit=file.unit,
            reader=self.reader,
            textual=file.textual,
            rules=self._rules,
            rows=self.rows,
            refused=self._refused,
            voices=self._voices,
        )

    def _size(self) -> int:
        return self._envelope.path.stat().st_size


def _note(late: dict[int, dict[int, RowError]], faults: dict[int, RowError]) -> None:
    for place, fault in faults.items():
        late[block_of(place)][place] = fault
