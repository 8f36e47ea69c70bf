"""One block of a file: which of its records are sound, and what must be known of them beside the others."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from components.feedback.columns import table_of
from components.feedback.contradictions import voices, write_voices
from components.feedback.draft import Draft
from components.feedback.entries import entries_of
from components.feedback.faults import by_place
from components.feedback.fields import Fields
from components.feedback.judgements import Judgement, judgement_of
from components.feedback.life.person import WITHDRAWN
from components.feedback.parsing.block import Block
from components.feedback.parsing.record import Record
from components.feedback.plain_pairs import PAIRWISE, plain_pairs
from components.feedback.readers.registry import reader_named
from components.feedback.reasons import REPEATS, BatchError, Reason, RowError
from components.feedback.rules import Rules, check_refused
from components.feedback.schema import COLUMNS, checked
from components.files import sha256_bytes

#: A place is the block's number times this, and the record's in the block.
_ROWS_A_BLOCK = 1 << 32


@dataclass(frozen=True)
class Job:
    """What must be known of a file to sort a block of it.

    Attributes:
        file, unit: as people know the file, and what its lines are; for messages.
        reader: name of the format.
        textual: every value is text (CSV).
        rows, refused, voices: folders of accepted rows, refused rows and preferences, a file a block in each.
    """

    file: str
    unit: str
    reader: str
    textual: bool
    rules: Rules
    rows: Path
    refused: Path
    voices: Path


@dataclass(frozen=True)
class Refusal:
    """A record that is not accepted, and why."""

    record: Record
    fault: RowError


@dataclass(frozen=True)
class Counts:
    """What became of a block's rows; they are on disk, the accepted and the refused.

    Attributes:
        number: of the block in the file, from 0.
        part: name and SHA-256 of the file of accepted rows; None where there are none.
        automatic: accepted rows that no person judged.
        reasons: of the refused rows; tags: of the accepted ones.
        first_fault: of the first refused row that is no repeat, for a person.
    """

    number: int
    read: int
    accepted: int
    automatic: int
    part: tuple[str, str] | None
    reasons: Counter[str]
    tags: Counter[str]
    first_fault: str


@dataclass(frozen=True)
class Sifted:
    """A block, sorted, and what of its sound rows is to be held against the others (entries.ENTRIES)."""

    counts: Counts
    entries: pl.DataFrame


def sift(job: Job, number: int, block: Block, late: pl.DataFrame | None = None) -> Sifted:
    """Sort the records of a block; both kinds are in files then, which a crash of the machine may still take.

    Args:
        number: of the block in the file, from 0.
        late: faults.FAULTS, what the rest of the file and the other batches say against rows that are sound by
            themselves.

    Raises:
        BatchError: ENCODING or SECRET: the whole file is refused.
    """
    records = dict(enumerate(block.records(), start=number * _ROWS_A_BLOCK))
    faults: dict[int, RowError] = {}
    sound = _sound(job, records, faults)
    accepted = sound
    if late is None:
        write_voices(job.voices, number, voices(sound))
    else:
        faults.update(by_place(late))
        accepted = sound.filter(~pl.col("place").is_in(late["place"].implode()))
    refusals = [Refusal(records[place], faults[place]) for place in sorted(faults)]
    _write_refused(job, number, refusals)
    counts = Counts(
        number=number,
        read=len(records),
        accepted=accepted.height,
        automatic=int(accepted["automatic"].sum()),
        part=_write_rows(job, number, accepted.select(*COLUMNS)),
        reasons=Counter(str(refusal.fault.code) for refusal in refusals),
        tags=Counter(accepted["tags"].explode().drop_nulls().to_list()),
        first_fault=_first_fault(job, refusals),
    )
    return Sifted(counts, entries_of(sound))


def refused_line(file: str, unit: str, line: int, raw: str, fault: RowError) -> str:
    """One line of rows.jsonl. ASCII: what a row was refused for must not act on a terminal that shows it.

    Of a row that was withdrawn before nothing is kept that it says.
    """
    entry = {
        "line": line,
        "reason": str(fault.code),
        "field": fault.field,
        "message": fault.message(f"{file} {unit} {line}"),
        "raw": WITHDRAWN if fault.code is Reason.WITHDRAWN else raw,
    }
    return json.dumps(entry, ensure_ascii=True) + "\n"


def by_block(faults: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """Faults by the number of the block that their rows lie in."""
    numbered = faults.with_columns(block=pl.col("place") // _ROWS_A_BLOCK)
    parts = numbered.partition_by("block", as_dict=True, include_key=False)
    return {number: part for (number,), part in parts.items()}


def _sound(job: Job, records: Mapping[int, Record], faults: dict[int, RowError]) -> pl.DataFrame:
    """The sound records, as rows of columns.WORKING; what is wrong with the others goes to the faults."""
    plain = plain_pairs(records, job.rules) if job.reader == PAIRWISE else None
    if plain is None:
        return table_of(list(_judgements(job, records, faults)), job.reader)
    taken = set(plain["place"])
    others = {place: record for place, record in records.items() if place not in taken}
    rows = table_of(list(_judgements(job, others, faults)), job.reader)
    return pl.concat([plain, rows]).sort("place") if rows.height else plain


def _judgements(job: Job, records: Mapping[int, Record], faults: dict[int, RowError]) -> Iterator[Judgement]:
    drafts = dict(_drafts(job, records, faults))
    plain = _plain(job.rules, list(drafts.values()))
    for (place, draft), is_plain in zip(drafts.items(), plain, strict=True):
        try:
            tags = job.rules.check(draft, is_plain)
        except RowError as fault:
            faults[place] = fault
        except BatchError as error:
            raise _placed(job, records[place], error) from None
        else:
            yield judgement_of(place, records[place].line, draft, tags)


def _drafts(
    job: Job, records: Mapping[int, Record], faults: dict[int, RowError]
) -> Iterator[tuple[int, Draft]]:
    read = reader_named(job.reader).read
    for place, record in records.items():
        try:
            if record.fault is not None:
                raise record.fault
            yield place, read(Fields(record.values, job.textual))
        except RowError as fault:
            faults[place] = fault


def _plain(rules: Rules, drafts: Sequence[Draft]) -> Sequence[bool]:
    """Whether no rule about texts can object to a draft: told for all at once, far quicker than one by one."""
    texts = [(number, text) for number, draft in enumerate(drafts) for text in rules.texts(draft)]
    suspicious = rules.suspicious(pl.Series([text for _, text in texts], dtype=pl.String))
    suspects = {number for (number, _), suspect in zip(texts, suspicious, strict=True) if suspect}
    return [number not in suspects for number in range(len(drafts))]


def _write_rows(job: Job, number: int, accepted: pl.DataFrame) -> tuple[str, str] | None:
    """The name and the SHA-256 of the file of accepted rows, if there are any.

    Raises:
        pandera.errors.SchemaErrors: a row breaks the schema: a fault of a reader or of a rule, not of the data.
    """
    name = f"rows-{number:05}.parquet"
    if accepted.is_empty():
        # A first sifting may have found some.
        (job.rows / name).unlink(missing_ok=True)
        return None
    content = as_parquet(checked(accepted))
    (job.rows / name).write_bytes(content)
    return name, sha256_bytes(content)


def _placed(job: Job, record: Record, error: BatchError) -> BatchError:
    """What a rule says against the whole file, with the line at which it said so."""
    place = f"{job.file} {job.unit} {record.line}"
    return BatchError(error.code, f"{place}: {error.message}", error.remedy)


def _write_refused(job: Job, number: int, refusals: Sequence[Refusal]) -> None:
    for refusal in refusals:
        try:
            check_refused(refusal.record.raw)
        except BatchError as error:
            raise _placed(job, refusal.record, error) from None
    if refusals:
        lines = (
            refused_line(job.file, job.unit, refusal.record.line, refusal.record.raw, refusal.fault)
            for refusal in refusals
        )
        (job.refused / f"refused-{number:05}.jsonl").write_text("".join(lines), encoding="ascii")


def as_parquet(rows: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    # Half the time of zstd, and of texts hardly more bytes.
    rows.write_parquet(content, compression="lz4", statistics=False)
    return content.getvalue()


def _first_fault(job: Job, refusals: Iterable[Refusal]) -> str:
    faults = (refusal for refusal in refusals if refusal.fault.code not in REPEATS)
    first = next(faults, None)
    return "" if first is None else first.fault.message(f"{job.unit} {first.record.line}")
