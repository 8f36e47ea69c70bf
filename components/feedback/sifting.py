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
from components.feedback.contradictions import Voice, voices, write_voices
from components.feedback.draft import Draft
from components.feedback.fields import Fields
from components.feedback.judgements import Entry, Judgement, digest_key, judgement_of, key_of_id
from components.feedback.parsing.block import Block
from components.feedback.parsing.record import Record
from components.feedback.readers.registry import reader_named
from components.feedback.reasons import BatchError, Reason, RowError
from components.feedback.rules import Rules, check_refused
from components.files import sha256_bytes, write_bytes, write_text

#: A place is the block's number times this, and the record's in the block.
_ROWS_A_BLOCK = 1 << 32

#: What is wrong with rows that are sound by themselves, by their places.
Faults = Mapping[int, RowError]


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
        reasons: of the refused rows; tags: of the accepted ones.
        first_fault: of the first refused row that is no repeat, for a person.
    """

    number: int
    read: int
    accepted: int
    part: tuple[str, str] | None
    reasons: Counter[str]
    tags: Counter[str]
    first_fault: str


@dataclass(frozen=True)
class Sifted:
    """A block, sorted, and what of its sound rows is to be held against the others."""

    counts: Counts
    entries: list[Entry]


def sift(job: Job, number: int, block: Block, late: Faults | None = None) -> Sifted:
    """Sort the records of a block; both kinds are on disk then.

    Args:
        number: of the block in the file, from 0.
        late: what the rest of the file and the other batches say against rows that are sound by themselves.

    Raises:
        BatchError: ENCODING or SECRET: the whole file is refused.
    """
    records = block.records()
    refusals: list[Refusal] = []
    sound = list(_judgements(job, records, refusals))
    order = {id(record): place for place, record in enumerate(records, start=number * _ROWS_A_BLOCK)}
    places = [order[id(judged.record)] for judged in sound]
    accepted = []
    for place, judged in zip(places, sound, strict=True):
        fault = late.get(place) if late else None
        accepted.append(judged) if fault is None else refusals.append(Refusal(judged.record, fault))
    refusals.sort(key=lambda refusal: refusal.record.line)
    _write_refused(job, number, refusals)
    if late is None:
        write_voices(job.voices, number, list(_heard(places, sound)))
    counts = Counts(
        number=number,
        read=len(records),
        accepted=len(accepted),
        part=_write_rows(job, number, accepted),
        reasons=Counter(str(refusal.fault.code) for refusal in refusals),
        tags=Counter(tag for judged in accepted for tag in judged.tags),
        first_fault=_first_fault(job, refusals),
    )
    return Sifted(counts, [_entry(job.reader, *pair) for pair in zip(places, sound, strict=True)])


def refused_line(file: str, unit: str, line: int, raw: str, fault: RowError) -> str:
    """One line of rows.jsonl. ASCII: what a row was refused for must not act on a terminal that shows it."""
    entry = {
        "line": line,
        "reason": str(fault.code),
        "field": fault.field,
        "message": fault.message(f"{file} {unit} {line}"),
        "raw": raw,
    }
    return json.dumps(entry, ensure_ascii=True) + "\n"


def block_of(place: int) -> int:
    """The number of the block that a row lies in."""
    return place // _ROWS_A_BLOCK


def _judgements(job: Job, records: Iterable[Record], refusals: list[Refusal]) -> Iterator[Judgement]:
    """The sound records; the others go to the refusals."""
    drafts = list(_drafts(job, records, refusals))
    plain = _plain(job.rules, [draft for _, draft in drafts])
    for (record, draft), is_plain in zip(drafts, plain, strict=True):
        try:
            tags = job.rules.check(draft, is_plain)
        except RowError as fault:
            refusals.append(Refusal(record, fault))
        except BatchError as error:
            raise _placed(job, record, error) from None
        else:
            yield judgement_of(record, draft, tags)


def _drafts(job: Job, records: Iterable[Record], refusals: list[Refusal]) -> Iterator[tuple[Record, Draft]]:
    read = reader_named(job.reader).read
    for record in records:
        try:
            if record.fault is not None:
                raise record.fault
            yield record, read(Fields(record.values, job.textual))
        except RowError as fault:
            refusals.append(Refusal(record, fault))


def _plain(rules: Rules, drafts: Sequence[Draft]) -> Sequence[bool]:
    """Whether no rule about texts can object to a draft: told for all at once, far quicker than one by one."""
    texts = [(number, text) for number, draft in enumerate(drafts) for text in rules.texts(draft)]
    suspicious = rules.suspicious(pl.Series([text for _, text in texts], dtype=pl.String))
    suspects = {number for (number, _), suspect in zip(texts, suspicious, strict=True) if suspect}
    return [number not in suspects for number in range(len(drafts))]


def _write_rows(job: Job, number: int, accepted: Sequence[Judgement]) -> tuple[str, str] | None:
    name = f"rows-{number:05}.parquet"
    if not accepted:
        # A first sifting may have found some.
        (job.rows / name).unlink(missing_ok=True)
        return None
    content = as_parquet(table_of(accepted, job.reader))
    write_bytes(job.rows / name, content)
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
        write_text(job.refused / f"refused-{number:05}.jsonl", "".join(lines))


def as_parquet(rows: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    # Half the time of zstd, and of texts hardly more bytes.
    rows.write_parquet(content, compression="lz4", statistics=False)
    return content.getvalue()


def _heard(places: Iterable[int], sound: Iterable[Judgement]) -> Iterator[Voice]:
    for place, judged in zip(places, sound, strict=True):
        yield from voices(judged.draft, judged.texts, place, judged.record.line)


def _entry(reader: str, place: int, judged: Judgement) -> Entry:
    draft = judged.draft
    id_key = None if draft.row_id is None else key_of_id(draft.source or reader, draft.row_id)
    return Entry(place, judged.record.line, digest_key(judged.digest), id_key)


def _first_fault(job: Job, refusals: Iterable[Refusal]) -> str:
    faults = (refusal for refusal in refusals if refusal.fault.code is not Reason.DUPLICATE)
    first = next(faults, None)
    return "" if first is None else first.fault.message(f"{job.unit} {first.record.line}")
