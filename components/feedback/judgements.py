"""What a judgement says, as digests: by them repeats are found, and people who contradict themselves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from components.feedback.draft import Draft


@dataclass(slots=True)
class Judgement:
    """A sound record.

    Attributes:
        place: which row of the file it is, whatever its line: rows of one line of a JSON array have their own.
        texts: digest of the prompt and the responses; a pair is one pair in either order.
        digest: of what the judgement says.
        tags: that it is accepted with.
    """

    place: int
    line: int
    draft: Draft
    texts: str
    digest: str
    tags: tuple[str, ...] = ()


def judgement_of(place: int, line: int, draft: Draft, tags: tuple[str, ...] = ()) -> Judgement:
    """The judgement that a sound record holds."""
    texts = digest_of_texts(draft)
    return Judgement(place, line, draft, texts, digest_of_judgement(draft, texts), tags)


def digest_of_texts(draft: Draft) -> str:
    """SHA-256 of what was judged."""
    responses = sorted(draft.responses) if draft.kind == "pairwise" else draft.responses
    return digest_of((draft.prompt.text, *responses))


def digest_of_judgement(draft: Draft, texts: str) -> str:
    """SHA-256 of what a judgement says; records with one digest are one judgement.

    Args:
        texts: digest_of_texts.
    """
    return digest_of_said(texts, said_in(draft))


def digest_of(texts: Sequence[str]) -> str:
    """SHA-256 of a sequence of texts."""
    return hashlib.sha256(orjson.dumps(texts)).hexdigest()


def digest_of_said(texts: str, said: bytes) -> str:
    """SHA-256 of what was said about texts, by their digest."""
    return hashlib.sha256(texts.encode("ascii") + said).hexdigest()


def said_in(draft: Draft) -> bytes:
    """What a judgement says of its texts, as JSON.

    Said by named people, it is who said what about which texts: under another id or at another time it is the
    same. Where nobody is named, two people may have said the same: the id tells, or else the whole record.
    """
    content: list[Any] = [draft.kind, *_verdict(draft)]
    if not _is_signed(draft):
        content.append(
            ["id", draft.row_id] if draft.row_id is not None else ["record", *_circumstances(draft)]
        )
    return _encoded(content)


def _encoded(content: list[Any]) -> bytes:
    """JSON, always the same for the same content."""
    try:
        return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # It takes no whole number of more than 64 bits.
        return json.dumps(content, sort_keys=True).encode("ascii")


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
