"""Pairs with nothing special about them, which most are: read, checked and put into a table column by column.

It only saves time. A pair is taken here if it is certain that the reader and the rules would accept it without a word,
and gives the same row then; any other is left to them, and they alone say what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import polars as pl

from components.feedback.automatic.names import is_reserved
from components.feedback.columns import TEXTS_DIGITS, WORKING
from components.feedback.draft import FIRST, Draft, PromptText, Vote
from components.feedback.entries import NAME_DIGITS
from components.feedback.judgements import digest_of, digest_of_said, said_in
from components.feedback.limits import MAX_NAME_CHARS
from components.feedback.parsing.record import Record
from components.feedback.readers.chats import is_written
from components.feedback.readers.pairwise import READER
from components.feedback.readers.wording import PREFERRED
from components.feedback.reasons import RowError
from components.feedback.rules import Rules
from components.feedback.rules.characters import SEEN_AT_ONCE, folded
from components.feedback.values import as_moment

PAIRWISE = READER.name
_CHOSEN, _SHOWN = ("prompt", "chosen", "rejected"), ("prompt", "response_a", "response_b")
_OPTIONAL = ("id", "annotator", "created_at", "source", "language")
_TYPES = frozenset({str, datetime, type(None)})
_TEXTS = ("prompt", "first", "second")
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class _Pair(NamedTuple):
    """A pair as it stands in its record."""

    place: int
    line: int
    prompt: str
    first: str
    second: str
    label: float
    row_id: str | None
    annotator: str
    at: str | datetime | None
    source: str | None
    language: str | None


#: Column -> type of what is read and made of a pair.
_COLUMNS = {name: WORKING.get(name, pl.String()) for name in (*_Pair._fields, "texts", "digest")} | {
    "label": pl.Float64(),
    "at": WORKING["created_at"],
    "differ": pl.Boolean(),
}


def plain_pairs(records: Mapping[int, Record], rules: Rules) -> pl.DataFrame:
    """Rows of columns.WORKING, of the records that are plain pairs, in the order of their places.

    Args:
        records: by their places.
    """
    pairs = [pair for place, record in records.items() if (pair := _pair_in(place, record)) is not None]
    moments = _moments({pair.at for pair in pairs}, rules.since)
    rows = _columns([pair for pair in pairs if pair.at in moments], moments)
    certain = rows.filter("differ", *(_is_in_shape(pl.col(name), rules.max_tokens) for name in _TEXTS))
    for name in _TEXTS:
        certain = certain.filter(~rules.suspicious(certain[name]))
    return _table(certain)


def _pair_in(place: int, record: Record) -> _Pair | None:
    """The pair that a record is: signed, with text where text belongs, and no other fields."""
    values = record.values
    names = _texts_among(tuple(values))
    if names is None or not _TYPES.issuperset(map(type, values.values())):
        return None
    prompt, first, second = map(values.__getitem__, names)
    label = FIRST if names is _CHOSEN else PREFERRED.get(values["preferred"])
    row_id, annotator, at, source, language = map(values.get, _OPTIONAL)
    if (
        type(prompt) is type(first) is type(second) is str
        and label is not None
        and annotator
        and _are_names(annotator, source, language)
        and _is_name(row_id)
        and not (is_written(first) and is_written(second))
    ):
        return _Pair(
            place, record.line, prompt, first, second, label, row_id or None, annotator, at, source or None,
            language or None,
        )  # fmt: skip
    return None


@lru_cache(maxsize=256)
def _texts_among(fields: tuple[str, ...]) -> tuple[str, str, str] | None:
    """The fields of the three texts, of a record with these fields, if it is a pair."""
    needed = frozenset(fields).difference(_OPTIONAL)
    if needed == {*_CHOSEN}:
        return _CHOSEN
    return _SHOWN if needed == {*_SHOWN, "preferred"} else None


@lru_cache(maxsize=4096)
def _are_names(*names: Any) -> bool:
    """Of people, sources and languages, few of which have many rows."""
    return all(map(_is_name, names)) and not any(name and is_reserved(name) for name in names)


def _is_name(name: Any) -> bool:
    return name is None or (type(name) is str and len(name) <= MAX_NAME_CHARS and name.isprintable())


def _moments(written: Iterable[Any], since: datetime) -> dict[Any, int | None]:
    """Times that may be accepted: as they are written, and in microseconds since 1970."""
    moments: dict[Any, int | None] = {None: None}
    for text in written:
        try:
            moment = as_moment(text, "created_at")
        except RowError:
            # None, too: it is in the table already.
            continue
        if moment >= since:
            moments[text] = (moment - _EPOCH) // _MICROSECOND
    return moments


def _columns(pairs: Sequence[_Pair], moments: Mapping[Any, int | None]) -> pl.DataFrame:
    """The pairs, their digests, and whether their answers differ."""
    texts, digests = _digests(pairs)
    read = {name: [pair[number] for pair in pairs] for number, name in enumerate(_Pair._fields)}
    made = {
        # Python's own times take a hundred times as long.
        "at": pl.Series([moments[pair.at] for pair in pairs], dtype=pl.Int64).cast(_COLUMNS["at"]),
        "texts": texts,
        "digest": digests,
        "differ": [folded(pair.first) != folded(pair.second) for pair in pairs],
    }
    return pl.DataFrame(read | made, schema=_COLUMNS)


def _digests(pairs: Iterable[_Pair]) -> tuple[list[int], list[str]]:
    """Of each pair what stands for its texts, and the digest of what was said of them."""
    texts, said = [], []
    for pair in pairs:
        in_order = pair.first <= pair.second
        answers = (pair.first, pair.second) if in_order else (pair.second, pair.first)
        digest = digest_of((pair.prompt, *answers))
        texts.append(int(digest[:TEXTS_DIGITS], 16))
        said.append(digest_of_said(digest, _said(pair.annotator, pair.label, in_order)))
    return texts, said


@lru_cache(maxsize=4096)
def _said(annotator: str, label: float, in_order: bool) -> bytes:
    """What somebody says by preferring one answer; the answers themselves do not matter, but for their order."""
    responses = ("a", "b") if in_order else ("b", "a")
    return said_in(Draft("pairwise", PromptText(""), responses, ("", ""), (Vote(annotator, label),)))


def _is_in_shape(text: pl.Expr, most: int) -> pl.Expr:
    """Whether a text shows something, and is not too long."""
    return text.str.contains(SEEN_AT_ONCE) & (text.str.len_chars() <= most)


def _table(pairs: pl.DataFrame) -> pl.DataFrame:
    made = pairs.with_columns(
        row_id=pl.coalesce("row_id", pl.col("digest").str.head(NAME_DIGITS)),
        kind=pl.lit(PAIRWISE),
        responses=pl.concat_list("first", "second"),
        votes=pl.concat_list(pl.struct("annotator", "label", "at")),
        created_at=pl.col("at"),
        automatic=pl.lit(value=False),
        source=pl.col("source").fill_null(PAIRWISE),
        tags=pl.lit([], WORKING["tags"]),
        meta=pl.lit("{}"),
    )
    absent = {name: pl.lit(None, kind) for name, kind in WORKING.items() if name not in made.columns}
    return made.with_columns(**absent).select(*WORKING)
