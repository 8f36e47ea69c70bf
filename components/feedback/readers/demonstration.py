"""An answer as it should be: prompt, response."""

from __future__ import annotations

from components.feedback.draft import Draft
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing
from components.feedback.readers.wording import JUDGEMENTS


def read(fields: Fields) -> Draft:
    return complete(
        fields, Draft("demonstration", fields.prompt(), (fields.text("response"),), ("response",))
    )


READER = Reader("demonstration", (needing("prompt", "response"),), read, shy_of=JUDGEMENTS)
