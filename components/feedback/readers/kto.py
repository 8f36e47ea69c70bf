"""TRL's unpaired preference, which KTO (Ethayarajh 2024, 2402.01306) learns from: prompt, completion, label.

The label is true for a good answer and false for a bad one: a thumb. Prompt and completion: texts or chats (chats.py).
"""

from __future__ import annotations

from components.feedback.draft import Draft
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing, single_vote
from components.feedback.readers.chats import answered
from components.feedback.readers.wording import THUMBS

_NAMES = ("completion",)


def read(fields: Fields) -> Draft:
    votes = single_vote(fields, fields.choice("label", THUMBS, "true or false"))
    prompt, responses, meta = answered(fields, _NAMES)
    return complete(fields, Draft("thumbs", prompt, responses, _NAMES, votes=votes, meta=meta))


READER = Reader("kto", (needing("prompt", *_NAMES, "label"),), read)
