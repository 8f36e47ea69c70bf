"""One file on its way through: its rows into a folder, its judgements into the index, its counts into a tally."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import polars as pl

from components.errors import FeedbackError
from components.feedback.contradictions import contradictions
from components.feedback.faults import as_faults
from components.feedback.parsing import Parsed, parsed
from components.feedback.parsing.envelope import Envelope
from components.feedback.pool import sift_blocks
from components.feedback.readers.registry import choose_reader
from components.feedback.rules import Rules
from components.feedback.sifting import Job, Sifted, by_block
from components.feedback.tally import Tally

#: So many rows are held against all others at once: their keys are entered in order, which costs half.
_AT_ONCE = 1 << 16

#: Called with the name of a file of rows and its SHA-256, if there is one.
Save = Callable[[tuple[str, str] | None], None]
#: Called with how many rows are read so far, and what share of the file's bytes, where that can be told.
OnRows = Callable[[int, float | None], None]


class Claims(Protocol):
    """What is accepted, as far as new rows are held against it (index.py)."""

    def add(self, entries: pl.DataFrame) -> pl.DataFrame: ...

    def forget(self, entries: pl.DataFrame) -> None: ...


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

    def sort(self, index: Claims, on_rows: OnRows) -> Tally:
        """Sort all rows, each by itself, and beside all others.

        Raises:
            BatchError: the file as a whole cannot be accepted.
        """
        with _saving(self.rows) as save:
            tally = self._sort(index, on_rows, save)
        tally.check()
        return tally

    def refused(self) -> list[Path]:
        """Files of refused rows, in the order of the file."""
        return sorted(self._refused.iterdir())

    def _sort(self, index: Claims, on_rows: OnRows, save: Save) -> Tally:
        tally = Tally(self._envelope.name)
        entries = self._entries(tally, on_rows, save)
        repeats = pl.concat([as_faults([]), *(index.add(part) for part in entries)])
        clashes = contradictions(self._voices, repeats["place"])
        late, before = pl.concat([repeats, clashes]), tally.accepted
        for sifted in self._sort_again(late):
            tally.count(sifted.counts)
            save(sifted.counts.part)
            index.forget(sifted.entries.filter(pl.col("place").is_in(clashes["place"].implode())))
        if tally.accepted != before - late.height:
            # Only the time differs: a row may have lain in the future when it was looked at first.
            raise FeedbackError(
                f"{self._envelope.name} was not the same when it was read again; nothing was ingested",
                "run it again",
            )
        return tally

    def _entries(self, tally: Tally, on_rows: OnRows, save: Save) -> Iterator[pl.DataFrame]:
        """The entries of all rows that are sound by themselves, many at a time."""
        waiting: list[pl.DataFrame] = []
        with parsed(self._envelope) as file:
            for sifted in sift_blocks(self._job(file), enumerate(file.blocks), self._size()):
                tally.count(sifted.counts)
                save(sifted.counts.part)
                on_rows(tally.read, file.share())
                waiting.append(sifted.entries)
                if sum(entries.height for entries in waiting) >= _AT_ONCE:
                    yield pl.concat(waiting)
                    waiting = []
        if waiting:
            yield pl.concat(waiting)

    def _sort_again(self, late: pl.DataFrame) -> Iterator[Sifted]:
        """The blocks in which some rows turned out to be no good beside the others."""
        if late.height:
            faults = by_block(late)
            with parsed(self._envelope) as file:
                blocks = ((number, block) for number, block in enumerate(file.blocks) if number in faults)
                yield from sift_blocks(self._job(file), blocks, self._size(), faults)

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


@contextmanager
def _saving(folder: Path) -> Iterator[Save]:
    """Force files of a folder to the disk, beside other work; all lie there at the end."""
    with ThreadPoolExecutor(max_workers=1) as disk:
        saved: list[Future[None]] = []

        def save(part: tuple[str, str] | None) -> None:
            if part is not None:
                saved.append(disk.submit(_flush, folder / part[0]))

        yield save
        for each in saved:
            each.result()


def _flush(file: Path) -> None:
    # One whose rows were all refused after all is gone.
    with suppress(FileNotFoundError), file.open("rb") as handle:
        os.fsync(handle.fileno())
