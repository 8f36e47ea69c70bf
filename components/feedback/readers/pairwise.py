"""Two answers and which is better: prompt, chosen, rejected; or prompt, response_a, response_b, preferred.

The answers are texts, or chats that end with them (chats.py). Optional: strength; gold, the answer that is known
to be right (chosen or rejected; or as `preferred`); seconds. Other fields, such as UltraFeedback's score_chosen and
score_rejected, are kept in meta: no file says on which scale its scores are, so no strength is made of them.
"""

from __future__ import annotations

from components.feedback.draft import FIRST, Draft
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing, single_vote
from components.feedback.readers.chats import answered
from components.feedback.readers.wording import CHOSEN, PREFERRED
from components.feedback.reasons import Reason, RowError

_CHOSEN = ("chosen", "rejected")


def read(fields: Fields) -> Draft:
    if fields.has("preferred"):
        names = ("response_a", "response_b")
        label = fields.choice("preferred", PREFERRED, "a, b or tie")
        gold = fields.optional_choice("gold", PREFERRED, "a, b or tie")
    else:
        names, label = _CHOSEN, FIRST
        gold = fields.optional_choice("gold", CHOSEN, "chosen, rejected or tie")
    prompt, responses, meta = answered(fields, names)
    if prompt.messages and fields.peek("messages") == fields.peek("chosen"):
        # UltraFeedback has the chosen chat twice, once under the name that fine-tuning looks for.
        fields.use("messages")
    draft = Draft(
        kind="pairwise",
        prompt=prompt,
        responses=responses,
        response_names=names,
        votes=single_vote(fields, label),
        strength=_strength(fields),
        gold=gold,
        meta=meta,
    )
    return complete(fields, draft)


def _strength(fields: Fields) -> float | None:
    strength = fields.optional_number("strength")
    if strength is not None and not 0 <= strength <= 1:
        raise RowError(Reason.RANGE, "strength", f"is {strength:g}, outside 0 to 1")
    return strength


READER = Reader(
    "pairwise",
    (
        needing("prompt", *_CHOSEN),
        needing("prompt", "response_a", "response_b", "preferred"),
    ),
    read,
)
