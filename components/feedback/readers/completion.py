"""An answer as it should be, as TRL and OpenAI call it: prompt, completion; texts or chats (chats.py)."""

from __future__ import annotations

from components.feedback.draft import Draft
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing
from components.feedback.readers.chats import answered
from components.feedback.readers.wording import JUDGEMENTS

_NAMES = ("completion",)


def read(fields: Fields) -> Draft:
    prompt, responses, meta = answered(fields, _NAMES)
    return complete(fields, Draft("demonstration", prompt, responses, _NAMES, meta=meta))


READER = Reader("completion", (needing("prompt", *_NAMES),), read, shy_of=JUDGEMENTS, modest=True)
