"""A model's answer and what a person made of it: prompt, response, edited_response."""

from __future__ import annotations

from components.feedback.draft import Draft
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing

_NAMES = ("response", "edited_response")


def read(fields: Fields) -> Draft:
    responses = (fields.text(_NAMES[0]), fields.text(_NAMES[1]))
    return complete(fields, Draft("edit", fields.prompt(), responses, _NAMES))


READER = Reader("edit", (needing("prompt", *_NAMES),), read)
