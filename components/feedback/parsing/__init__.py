"""A file of feedback as blocks of records: JSON lines, JSON arrays, CSV and Parquet, each also gzipped."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO

from components.feedback.parsing.block import BLOCK_BYTES, Block, RecordBlock
from components.feedback.parsing.csv_rows import csv_blocks
from components.feedback.parsing.envelope import Envelope
from components.feedback.parsing.json_arrays import array_blocks
from components.feedback.parsing.json_lines import line_blocks
from components.feedback.parsing.parquet_rows import parquet_blocks
from components.feedback.parsing.record import Record, usual_columns
from components.feedback.parsing.streams import plain_stream
from components.feedback.ratio import check_share

#: What tells the columns of a JSON file, which has no header: so many of its first records, if it has them.
_TELLING = 1000
#: Among so many they are looked for.
_SEARCHED_ROWS = 100_000


@dataclass(frozen=True)
class Parsed:
    """A file as blocks of records.

    Attributes:
        columns: fields the file has; of a JSON file those that at least half of its first objects have.
        blocks: to be read once, in order.
        textual: every value is text (CSV).
        unit: what `Record.line` counts, for messages.
        share: how much of the file's bytes was read so far; of Parquet, which is read here and there, nobody can tell.
    """

    columns: frozenset[str]
    blocks: Iterator[Block]
    textual: bool = False
    unit: str = "line"
    share: Callable[[], float | None] = lambda: None


@contextmanager
def parsed(envelope: Envelope) -> Iterator[Parsed]:
    """The records of a file, the bad ones among them with their fault, as long as the context lasts.

    Raises:
        BatchError: the file as a whole cannot be read; also while its blocks are read.
    """
    name = envelope.name
    with ExitStack() as stack:
        if envelope.form == "parquet":
            columns, blocks = parquet_blocks(name, stack.enter_context(_plain_file(envelope)))
            yield Parsed(columns, blocks, unit="row")
            return
        stream = stack.enter_context(plain_stream(name, envelope.path, envelope.zipped))
        if envelope.form == "csv":
            columns, blocks = csv_blocks(name, stream)
            yield Parsed(columns, blocks, textual=True, share=stream.share)
            return
        read = line_blocks if envelope.form == "lines" else array_blocks
        columns, blocks = _told_by_first(name, read(name, stream))
        yield Parsed(columns, blocks, share=stream.share)


def _told_by_first(name: str, blocks: Iterator[Block]) -> tuple[frozenset[str], Iterator[Block]]:
    """The columns that the first records have, and all blocks.

    Raises:
        BatchError: EMPTY, or BAD_RATIO where nothing is found to tell them by.
    """
    first: list[Block] = []
    records: list[Record] = []
    for block in blocks:
        first.append(RecordBlock(block.records()))
        records += first[-1].records()
        sound = [record for record in records if record.fault is None]
        if len(sound) >= _TELLING or len(records) >= _SEARCHED_ROWS:
            break
    _check_any_sound(name, records)
    return usual_columns(records), chain(first, blocks)


def _check_any_sound(name: str, records: Sequence[Record]) -> None:
    faults = [(record.line, record.fault) for record in records if record.fault is not None]
    if len(faults) < len(records):
        return
    reasons = Counter(str(fault.code) for _, fault in faults)
    first = next((fault.message(f"line {line}") for line, fault in faults), "")
    check_share(name, len(faults), 0, dict(reasons.most_common()), first)


@contextmanager
def _plain_file(envelope: Envelope) -> Iterator[Path]:
    """The file itself, or what its gzip holds: Parquet is read from its end."""
    if not envelope.zipped:
        yield envelope.path
        return
    with tempfile.NamedTemporaryFile(suffix=".parquet") as unpacked:
        _unpack(envelope, unpacked.file)
        yield Path(unpacked.name)


def _unpack(envelope: Envelope, target: IO[bytes]) -> None:
    with plain_stream(envelope.name, envelope.path, envelope.zipped) as stream:
        while chunk := stream.read(BLOCK_BYTES):
            target.write(chunk)
    target.flush()
