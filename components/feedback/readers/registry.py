"""Every format there is, and which one a file has."""

from __future__ import annotations

from components.errors import FeedbackError
from components.feedback.readers import (
    argilla,
    completion,
    demonstration,
    edit,
    hh_rlhf,
    kto,
    label_studio,
    messages,
    oasst_rankings,
    oasst_thumbs,
    pairwise,
    pandalm,
    ranking,
    rankme,
    rating,
    sentence_polarity,
    thumbs,
    ukpconvarg1,
)
from components.feedback.readers.base import Reader
from components.feedback.reasons import BatchError, Reason

_MODULES = (
    pairwise, rating, thumbs, ranking, demonstration, edit, messages, completion, kto, hh_rlhf,
    pandalm, oasst_rankings, oasst_thumbs, ukpconvarg1, rankme, sentence_polarity, argilla, label_studio,
)  # fmt: skip
READERS: dict[str, Reader] = {module.READER.name: module.READER for module in _MODULES}
_MOST_SHOWN = 20


def reader_named(name: str) -> Reader:
    """The reader of a format that the user named.

    Raises:
        FeedbackError: there is none: wrong usage, no matter what the file holds.
    """
    if name not in READERS:
        raise FeedbackError(f"unknown format {name[:40]!a}", f"use one of {', '.join(READERS)}")
    return READERS[name]


def choose_reader(file: str, columns: frozenset[str], format_name: str | None) -> Reader:
    """The named reader, or the one that needs the most of the file's columns.

    Raises:
        BatchError: MISSING_COL, or AMBIGUOUS when two formats fit and neither needs all that the other does.
        FeedbackError: the named format does not exist.
    """
    if format_name is not None:
        return _checked(file, columns, reader_named(format_name))
    fits = {reader.name: needs for reader in READERS.values() if (needs := reader.fits(columns))}
    best = [name for name, needs in fits.items() if not any(needs < other for other in fits.values())]
    if not best:
        raise _none_fits(file, columns)
    best = [name for name in best if not READERS[name].modest] or best
    reader = READERS[best[0]]
    doubts = sorted(reader.shy_of & columns)
    if len(best) > 1 or doubts:
        what = f"{file} may be {' or '.join(best)}" + (f", but it has {', '.join(doubts)}" if doubts else "")
        raise BatchError(Reason.AMBIGUOUS, what, "say which with --format, or rename the columns")
    return reader


def _checked(file: str, columns: frozenset[str], reader: Reader) -> Reader:
    lacks = reader.lacks(columns)
    if lacks:
        remedy = "add them, or name the format that the file has"
        raise BatchError(Reason.MISSING_COL, f"{file} as {reader.name} lacks {', '.join(lacks)}", remedy)
    return reader


def _none_fits(file: str, columns: frozenset[str]) -> BatchError:
    meant = [reader for reader in READERS.values() if not reader.modest]
    nearest = min(meant, key=lambda reader: len(reader.lacks(columns)))
    shown = ", ".join(ascii(column)[1:-1][:40] for column in sorted(columns)[:_MOST_SHOWN]) or "none"
    what = f"{file} has the columns {shown}; the nearest format, {nearest.name}, also needs"
    lacks = ", ".join(nearest.lacks(columns))
    return BatchError(
        Reason.MISSING_COL, f"{what} {lacks}", "add the missing columns, or rename those you have"
    )
