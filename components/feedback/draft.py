"""One record of feedback as a reader hands it on: the schema's words, before validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

Kind = Literal["pairwise", "rating", "thumbs", "ranking", "demonstration", "edit"]

#: Labels of a pairwise vote.
FIRST, TIE, SECOND = 1.0, 0.5, 0.0
#: Labels of a thumb.
UP, DOWN = 1.0, 0.0


class Message(NamedTuple):
    """One turn of a chat; role is system, user or assistant."""

    role: str
    content: str


class PromptText(NamedTuple):
    """What was answered: `text` as a model reads it, `messages` where it was a chat, `name` of its field."""

    text: str
    messages: tuple[Message, ...] | None = None
    name: str = "prompt"


class Vote(NamedTuple):
    """One judgement. Its label: FIRST, TIE or SECOND of a pair; UP or DOWN; or the rating itself."""

    annotator: str | None
    label: float
    at: datetime | None = None


# Slots, not frozen: a million of them are made, and to set each field of a frozen one costs a call.
@dataclass(slots=True)
class Draft:
    """One record.

    Attributes:
        response_names: fields of the file that the responses came from, in their order; for messages.
        ranks: ranking only, one for each response, 1 is best, ties allowed.
        scale: rating only, lowest and highest.
        strength: pairwise only, how clear the preference is, in [0, 1].
        gold: pairwise only, the label that is known to be right: a vote's label, of a question that was asked
            to see who answers with care.
        seconds: how long the judgement took.
        automatic: whether a rule or a model judged, and no person (automatic/names.py).
        row_id: the record's own id, or None where the file has none.
        occasion: what tells two judgements of the same text by the same person apart, where the file
            knows it; part of what makes a judgement a repeat of another.
        meta: fields of the record that the schema has no column for.
    """

    kind: Kind
    prompt: PromptText
    responses: tuple[str, ...]
    response_names: tuple[str, ...]
    votes: tuple[Vote, ...] = ()
    ranks: tuple[int, ...] | None = None
    scale: tuple[float, float] | None = None
    strength: float | None = None
    gold: float | None = None
    seconds: float | None = None
    automatic: bool = False
    row_id: str | None = None
    annotator: str | None = None
    created_at: datetime | None = None
    source: str | None = None
    language: str | None = None
    occasion: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
