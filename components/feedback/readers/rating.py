"""An answer and its rating: prompt, response, rating and, if it is not 1 to 5, scale."""

from __future__ import annotations

from components.feedback.draft import Draft
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing, single_vote
from components.feedback.readers.wording import rating_of, scale_of


def read(fields: Fields) -> Draft:
    scale = scale_of(fields)
    draft = Draft(
        kind="rating",
        prompt=fields.prompt(),
        responses=(fields.text("response"),),
        response_names=("response",),
        votes=single_vote(fields, rating_of(fields, "rating", scale)),
        scale=scale,
    )
    return complete(fields, draft)


READER = Reader("rating", (needing("prompt", "response", "rating"),), read)
