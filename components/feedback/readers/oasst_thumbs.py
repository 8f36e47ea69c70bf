"""Open-Assistant: a conversation so far, a reply, and how many thumbs went up and down. Nobody is named."""

from __future__ import annotations

from components.feedback.draft import DOWN, UP, Draft, Vote
from components.feedback.fields import Fields
from components.feedback.limits import MAX_VOTES
from components.feedback.readers.base import Reader, complete, needing
from components.feedback.readers.oasst_rankings import context_prompt
from components.feedback.reasons import Reason, RowError


def read(fields: Fields) -> Draft:
    votes = (Vote(None, UP),) * _count(fields, "up") + (Vote(None, DOWN),) * _count(fields, "down")
    draft = Draft("thumbs", context_prompt(fields), (fields.text("text"),), ("text",), votes=votes)
    return complete(fields, draft)


def _count(fields: Fields, name: str) -> int:
    count = fields.whole(name)
    if not 0 <= count <= MAX_VOTES:
        raise RowError(Reason.RANGE, name, f"is outside 0 to {MAX_VOTES}")
    return count


READER = Reader("oasst-thumbs", (needing("context", "text", "up", "down"),), read)
