"""What a judgement says, as digests: by them repeats are found, and people who contradict themselves."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from components.feedback.draft import Draft
from components.feedback.parsing.record import Record

#: Of a digest in the index: 2^64 of them before two are likely alike.
KEY_BYTES = 16


@dataclass(slots=True)
class Judgement:
    """A sound record.

    Attributes:
        texts: digest of the prompt and the responses; a pair is one pair in either order.
        digest: of what the judgement says.
        tags: that it is accepted with.
    """

    record: Record
    draft: Draft
    texts: str
    digest: str
    tags: tuple[str, ...]


class Entry(NamedTuple):
    """A row that is sound by itself, as it is held against the others.

    Attributes:
        place: which row of the file it is, whatever its line: rows of one line of a JSON array have their own.
        digest: the first bytes of the judgement's digest; id_key: stands for its id, where it has one.
    """

    place: int
    line: int
    digest: bytes
    id_key: str | None


def judgement_of(record: Record, draft: Draft, tags: tuple[str, ...] = ()) -> Judgement:
    """The judgement that a sound record holds."""
    texts = digest_of_texts(draft)
    return Judgement(record, draft, texts, digest_of_judgement(draft, texts), tags)


def digest_of_texts(draft: Draft) -> str:
    """SHA-256 of what was judged."""
    responses = sorted(draft.responses) if draft.kind == "pairwise" else draft.responses
    return _digest(draft.prompt.text, *responses).hex()


def digest_of_judgement(draft: Draft, texts: str) -> str:
    """SHA-256 of what a judgement says; records with one digest are one judgement.

    Said by named people, it is who said what about which texts: under another id or at another time it is the
    same. Where nobody is named, two people may have said the same: the id tells, or else the whole record.

    Args:
        texts: digest_of_texts.
    """
    content: list[Any] = [draft.kind, texts, *_verdict(draft)]
    if not _is_signed(draft):
        content.append(
            ["id", draft.row_id] if draft.row_id is not None else ["record", *_circumstances(draft)]
        )
    return hashlib.sha256(_encoded(content)).hexdigest()


def digest_key(digest: str) -> bytes:
    """What the index keeps of a judgement's digest."""
    return bytes.fromhex(digest)[:KEY_BYTES]


def key_of_id(source: str, row_id: str) -> str:
    """Stands for an id. Two sources may give the same id to different judgements."""
    return f"{len(source)}:{source}{row_id}"


def _encoded(content: list[Any]) -> bytes:
    """JSON, always the same for the same content."""
    try:
        return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # It takes no whole number of more than 64 bits.
        return json.dumps(content, sort_keys=True).encode("ascii")


def _digest(*texts: str) -> bytes:
    # With their lengths, no two sequences of texts are one.
    return hashlib.sha256("".join(f"{len(text)}:{text}" for text in texts).encode("utf-8")).digest()


def _verdict(draft: Draft) -> list[Any]:
    """What was said of the texts, of a pair in the order of digest_of_texts."""
    votes = [(vote.annotator or "", vote.label) for vote in draft.votes]
    if draft.kind == "pairwise" and draft.responses[0] > draft.responses[1]:
        votes = [(annotator, 1 - label) for annotator, label in votes]
    writer = draft.annotator if not draft.votes else None
    return [sorted(votes), draft.ranks, draft.scale, draft.strength, writer, draft.occasion]


def _is_signed(draft: Draft) -> bool:
    """Whether everybody who judged or wrote is named."""
    if draft.votes:
        return all(vote.annotator is not None for vote in draft.votes)
    return draft.annotator is not None


def _circumstances(draft: Draft) -> list[Any]:
    at = draft.created_at.isoformat() if draft.created_at else None
    return [at, draft.annotator, draft.source, draft.language, draft.meta]
