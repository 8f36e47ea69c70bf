"""From the records of a file to the judgements that are accepted and the records that are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from components.feedback.fields import Fields
from components.feedback.judgements import (
    Judgement,
    Refusal,
    digest_of_judgement,
    without_conflicts,
    without_repeats,
)
from components.feedback.limits import BAD_SHARE_ROWS, MAX_BAD_SHARE
from components.feedback.parsing.record import Parsed, Record
from components.feedback.readers.base import Reader
from components.feedback.reasons import HARMLESS, BatchError, Reason, RowError
from components.feedback.validation import check


@dataclass(frozen=True)
class Sifted:
    """Every record of a file, on one side or the other."""

    accepted: list[Judgement]
    refused: list[Refusal]

    @property
    def read(self) -> int:
        return len(self.accepted) + len(self.refused)

    @property
    def duplicates(self) -> int:
        return sum(refusal.fault.code is Reason.DUPLICATE for refusal in self.refused)

    @property
    def reasons(self) -> dict[str, int]:
        """Quarantined rows by reason, the most frequent first; duplicates are counted apart."""
        codes = (refusal.fault.code for refusal in self.refused)
        return {
            str(code): count for code, count in Counter(codes).most_common() if code is not Reason.DUPLICATE
        }


def sift(parsed: Parsed, reader: Reader, known: Mapping[str, str]) -> Sifted:
    """Sort the records of a file.

    Args:
        known: digests of judgements that other batches brought -> their batch.
    """
    refusals: list[Refusal] = []
    sound = [judged for record in parsed.records if (judged := _judge(record, parsed, reader, refusals))]
    new = without_repeats(sound, known, refusals)
    accepted = without_conflicts(new, refusals)
    return Sifted(accepted, sorted(refusals, key=lambda refusal: refusal.record.line))


def check_parsed(file: str, parsed: Parsed) -> None:
    """Pass a file of which some record at least could be parsed, so that it has columns.

    Raises:
        BatchError: BAD_RATIO.
    """
    faults = [Refusal(record, record.fault) for record in parsed.records if record.fault is not None]
    if len(faults) == len(parsed.records):
        raise _bad_ratio(file, Sifted([], faults))


def check_share(file: str, sifted: Sifted) -> None:
    """Pass a batch of which enough is sound.

    Raises:
        BatchError: BAD_RATIO.
    """
    bad = sum(count for code, count in sifted.reasons.items() if code not in HARMLESS)
    nothing_sound = not sifted.accepted and not sifted.duplicates
    many_bad = sifted.read >= BAD_SHARE_ROWS and bad > MAX_BAD_SHARE * sifted.read
    if nothing_sound or many_bad:
        raise _bad_ratio(file, sifted)


def _judge(record: Record, parsed: Parsed, reader: Reader, refusals: list[Refusal]) -> Judgement | None:
    """The record as a judgement; or None, with the reason among the refusals."""
    try:
        if record.fault is not None:
            raise record.fault
        draft = reader.read(Fields(record.values, parsed.textual))
        check(draft)
        return Judgement(record, draft, digest_of_judgement(draft))
    except RowError as fault:
        refusals.append(Refusal(record, fault))
        return None


def _bad_ratio(file: str, sifted: Sifted) -> BatchError:
    refused = sum(sifted.reasons.values())
    found = ", ".join(f"{code} {count}" for code, count in sifted.reasons.items())
    first = next(refusal for refusal in sifted.refused if refusal.fault.code is not Reason.DUPLICATE)
    what = f"{file}: {refused} of {sifted.read} rows cannot be accepted ({found}); the first is"
    message = first.fault.message(f"line {first.record.line}")
    return BatchError(
        Reason.BAD_RATIO,
        f"{what} {message}",
        "mend the file, or check its format",
        sifted.read,
        sifted.reasons,
    )
