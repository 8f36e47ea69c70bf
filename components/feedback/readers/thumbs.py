"""An answer and a thumb: prompt, response, thumbs_up (true or false, or up, down, yes, no, 1, 0)."""

from __future__ import annotations

from components.feedback.draft import Draft
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing, single_vote
from components.feedback.readers.wording import THUMBS


def read(fields: Fields) -> Draft:
    draft = Draft(
        kind="thumbs",
        prompt=fields.prompt(),
        responses=(fields.text("response"),),
        response_names=("response",),
        votes=single_vote(fields, fields.choice("thumbs_up", THUMBS, "true or false")),
    )
    return complete(fields, draft)


READER = Reader("thumbs", (needing("prompt", "response", "thumbs_up"),), read)
