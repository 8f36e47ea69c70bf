"""UKPConvArg1 (Habernal & Gurevych 2016): two arguments for one side of a debate; which convinces more?

One record is one row with the votes of about five workers. The authors' own aggregate, `gold`, goes to meta.
"""

from __future__ import annotations

from components.feedback.draft import FIRST, SECOND, TIE, Draft, PromptText, Vote
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing
from components.feedback.values import as_moment

_LABELS = {"a1": FIRST, "a2": SECOND, "equal": TIE}


def read(fields: Fields) -> Draft:
    draft = Draft(
        kind="pairwise",
        prompt=PromptText(_prompt(fields), name="topic"),
        responses=(fields.text("a1"), fields.text("a2")),
        response_names=("a1", "a2"),
        votes=tuple(_vote(part) for part in fields.parts("votes")),
    )
    return complete(fields, draft)


def _prompt(fields: Fields) -> str:
    """What the debaters were asked. What tells prompts apart stands last: long prompts lose their start."""
    topic, stance = fields.text("topic"), fields.text("stance")
    return (
        f"Argue for this stance.\nTopic: {topic}\nStance: {stance}"
        if topic.strip() and stance.strip()
        else ""
    )


def _vote(part: Fields) -> Vote:
    # Times are written such as "2016-01-31 16:59:52.0 UTC".
    at = (part.optional_text("at") or "").replace(" UTC", "+00:00")
    label = part.choice("value", _LABELS, "a1, a2 or equal")
    return Vote(part.name("worker"), label, as_moment(at, "votes.at") if at else None)


READER = Reader("ukpconvarg1", (needing("topic", "stance", "a1", "a2", "votes"),), read)
