"""RankME (Novikova 2018, N18-2012): a restaurant's attributes, a sentence about it, scores from 1 to 6.

A worker scored every aspect at once (setup 1) or one aspect a task (setup 2): the rating is `quality`, or the
one aspect that was asked; meta says which and keeps the others. Systems wrote the same sentence at times, and
a worker then scored it once for each: these are separate judgements.
"""

from __future__ import annotations

from components.feedback.draft import Draft, Vote
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing
from components.feedback.readers.wording import name_among, rating_of

_SCALE = (1.0, 6.0)
_ASPECTS = ("quality", "naturalness", "informativeness")


def read(fields: Fields) -> Draft:
    scores = fields.part("scores")
    aspect = name_among(scores, _ASPECTS, "score")
    rating = rating_of(scores, aspect, _SCALE)
    worker = fields.name("worker")
    draft = Draft(
        kind="rating",
        prompt=fields.prompt("mr"),
        responses=(fields.text("text"),),
        response_names=("text",),
        # `at` has no zone, so it is no moment; meta keeps it as it was written.
        votes=(Vote(worker, rating),),
        scale=_SCALE,
        occasion="/".join([aspect, str(fields.peek("setup")), str(fields.peek("system"))]),
        meta={"aspect": aspect, "scores": scores.rest()},
    )
    complete(fields, draft)
    draft.annotator = worker
    return draft


READER = Reader("rankme", (needing("mr", "text", "worker", "scores"),), read)
