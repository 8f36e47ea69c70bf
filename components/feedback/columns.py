"""From judgements to a table, column by column: a row by itself costs far more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import polars as pl
import pyarrow as pa

from components.feedback.draft import Draft
from components.feedback.entries import NAME_DIGITS
from components.feedback.judgements import Judgement
from components.feedback.schema import COLUMNS

#: Canonical rows on their way through. place: of the row in its file; texts: stands for its prompt and responses.
WORKING = {**COLUMNS, "place": pl.Int64(), "texts": pl.UInt64()}
#: Hexadecimal digits of the digest of texts that stand for it. 64 bits: two pairs that share them by chance would have
#: to be judged by one person, too.
TEXTS_DIGITS = 16

_MOMENT = pa.timestamp("us", "UTC")


def table_of(judgements: Sequence[Judgement], default_source: str) -> pl.DataFrame:
    """Judgements as rows of WORKING."""
    drafts = [judgement.draft for judgement in judgements]
    scales = [draft.scale or (None, None) for draft in drafts]
    plain = {
        "row_id": [judged.draft.row_id or judged.digest[:NAME_DIGITS] for judged in judgements],
        "line": [judged.line for judged in judgements],
        "kind": [draft.kind for draft in drafts],
        "prompt": [draft.prompt.text for draft in drafts],
        "ranks": [draft.ranks for draft in drafts],
        "scale_min": [lowest for lowest, _ in scales],
        "scale_max": [highest for _, highest in scales],
        "strength": [draft.strength for draft in drafts],
        "annotator": [draft.annotator for draft in drafts],
        "created_at": [draft.created_at for draft in drafts],
        "source": [draft.source or default_source for draft in drafts],
        "language": [draft.language for draft in drafts],
        "gold": [draft.gold for draft in drafts],
        "seconds": [draft.seconds for draft in drafts],
        "automatic": [draft.automatic for draft in drafts],
        "meta": [json.dumps(draft.meta, sort_keys=True) if draft.meta else "{}" for draft in drafts],
        "digest": [judged.digest for judged in judgements],
        "place": [judged.place for judged in judgements],
        "texts": [int(judged.texts[:TEXTS_DIGITS], 16) for judged in judgements],
    }
    nested = {
        "messages": _messages(drafts),
        "responses": _texts([draft.responses for draft in drafts]),
        "votes": _votes(drafts),
        "tags": _texts([judged.tags for judged in judgements]),
    }
    columns = {name: nested[name] if name in nested else plain[name] for name in WORKING}
    return pl.DataFrame(columns, schema=WORKING)


def _texts(lists: Sequence[Sequence[str]]) -> pl.Series:
    return _lists(pa.array([text for texts in lists for text in texts], pa.large_string()), lists)


def _votes(drafts: Sequence[Draft]) -> pl.Series:
    votes = [vote for draft in drafts for vote in draft.votes]
    parts = {
        "annotator": pa.array([vote.annotator for vote in votes], pa.large_string()),
        "label": pa.array([vote.label for vote in votes], pa.float64()),
        "at": pa.array([vote.at for vote in votes], _MOMENT),
    }
    return _lists(_struct(parts), [draft.votes for draft in drafts])


def _messages(drafts: Sequence[Draft]) -> pl.Series:
    turns = [draft.prompt.messages or () for draft in drafts]
    flat = [message for messages in turns for message in messages]
    parts = {
        "role": pa.array([message.role for message in flat], pa.large_string()),
        "content": pa.array([message.content for message in flat], pa.large_string()),
    }
    chats = pa.array([draft.prompt.messages is None for draft in drafts], pa.bool_())
    return _lists(_struct(parts), turns, chats)


def _struct(parts: dict[str, pa.Array]) -> pa.Array:
    return pa.StructArray.from_arrays(list(parts.values()), names=list(parts))


def _lists(flat: pa.Array, lists: Sequence[Sequence[Any]], is_null: pa.Array | None = None) -> pl.Series:
    """The flat values as lists of these lengths."""
    offsets = pa.array([0, *accumulate(map(len, lists))], pa.int64())
    return pl.Series(pa.LargeListArray.from_arrays(offsets, flat, mask=is_null))
