"""Sentences of film reviews (Pang & Lee 2005), each favourable (thumbs up) or not.

The file has no prompts. The one below asks for what the label measures: a neutral one would make every
unfavourable sentence a bad answer to it, which nobody said.
"""

from __future__ import annotations

from components.feedback.draft import Draft, PromptText
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing, single_vote
from components.feedback.readers.wording import THUMBS

PROMPT = "Write one sentence of a favourable film review."


def read(fields: Fields) -> Draft:
    votes = single_vote(fields, fields.choice("thumbs_up", THUMBS, "true or false"))
    draft = Draft("thumbs", PromptText(PROMPT), (fields.text("text"),), ("text",), votes=votes)
    return complete(fields, draft)


READER = Reader("sentence-polarity", (needing("text", "thumbs_up"),), read)
