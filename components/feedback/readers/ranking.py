"""Several answers in order: prompt, responses and ranks (1 is best, ties allowed).

Or responses as objects that hold their rank: [{"response": ..., "rank": 1}, ...]. In CSV both are JSON lists.
"""

from __future__ import annotations

from components.feedback.draft import Draft
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing
from components.feedback.readers.wording import RESPONSE_NAMES, name_among


def read(fields: Fields) -> Draft:
    if fields.has("ranks"):
        responses, ranks = fields.texts("responses"), fields.wholes("ranks")
    else:
        parts = fields.parts("responses")
        responses = tuple(part.text(name_among(part, RESPONSE_NAMES, "response")) for part in parts)
        ranks = tuple(part.whole("rank") for part in parts)
    names = tuple(f"responses[{place}]" for place in range(len(responses)))
    return complete(fields, Draft("ranking", fields.prompt(), responses, names, ranks=ranks))


READER = Reader("ranking", (needing("prompt", "responses", "ranks"), needing("prompt", "responses")), read)
