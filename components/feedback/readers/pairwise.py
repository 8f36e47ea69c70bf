"""Two answers and which is better: prompt, chosen, rejected; or prompt, response_a, response_b, preferred.

Optional: strength; gold, the answer that is known to be right (chosen or rejected; or as `preferred`); seconds.
"""

from __future__ import annotations

from components.feedback.draft import FIRST, Draft
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing, single_vote
from components.feedback.readers.wording import CHOSEN, PREFERRED
from components.feedback.reasons import Reason, RowError


def read(fields: Fields) -> Draft:
    if fields.has("preferred"):
        names = ("response_a", "response_b")
        label = fields.choice("preferred", PREFERRED, "a, b or tie")
        gold = fields.optional_choice("gold", PREFERRED, "a, b or tie")
    else:
        names, label = ("chosen", "rejected"), FIRST
        gold = fields.optional_choice("gold", CHOSEN, "chosen, rejected or tie")
    draft = Draft(
        kind="pairwise",
        prompt=fields.prompt(),
        responses=(fields.text(names[0]), fields.text(names[1])),
        response_names=names,
        votes=single_vote(fields, label),
        strength=_strength(fields),
        gold=gold,
    )
    return complete(fields, draft)


def _strength(fields: Fields) -> float | None:
    strength = fields.optional_number("strength")
    if strength is not None and not 0 <= strength <= 1:
        raise RowError(Reason.RANGE, "strength", f"is {strength:g}, outside 0 to 1")
    return strength


READER = Reader(
    "pairwise",
    (needing("prompt", "chosen", "rejected"), needing("prompt", "response_a", "response_b", "preferred")),
    read,
)
