"""How people write a preference, a thumb or a scale, and what they call prompts and responses."""

from __future__ import annotations

import re
from collections.abc import Iterable

from components.feedback.draft import DOWN, FIRST, SECOND, TIE, UP
from components.feedback.fields import Fields
from components.feedback.reasons import Reason, RowError

# Not 1 and 2, nor 0 and 1: files exist in which 1 is the first answer and files in which it is the second.
_FIRST = ("a", "first", "left", "response_a", "answer_a", "model_a")
_SECOND = ("b", "second", "right", "response_b", "answer_b", "model_b")
_TIE = ("tie", "equal", "same", "draw", "both", "neither", "tie (bothbad)")
PREFERRED = {**dict.fromkeys(_FIRST, FIRST), **dict.fromkeys(_SECOND, SECOND), **dict.fromkeys(_TIE, TIE)}
#: The right answer to a gold question, in a file that names its responses so.
CHOSEN = {"chosen": FIRST, "rejected": SECOND, **dict.fromkeys(_TIE, TIE)}

# True and 1 are one key to Python, as are False and 0.
THUMBS = {
    **dict.fromkeys((True, "true", "up", "yes", "1"), UP),
    **dict.fromkeys((False, "false", "down", "no", "0"), DOWN),
}

#: Marks: true, or the word in a file of text alone.
YES = {True: 1.0, "true": 1.0, False: 0.0, "false": 0.0}

#: Columns that hint at a judgement: beside a plain answer they say that it need not be a good one.
JUDGEMENTS = frozenset(
    (
        "score", "scores", "label", "stars", "rank", "grade", "vote", "votes", "thumb", "thumbs", "accepted",
        "rating", "thumbs_up",
    )
)  # fmt: skip

PROMPT_NAMES = ("prompt", "instruction", "question", "input")
RESPONSE_NAMES = ("response", "answer", "completion", "output", "text")
PAIR_NAMES = (
    ("response_a", "response_b"),
    ("response_1", "response_2"),
    ("response1", "response2"),
    ("response-1", "response-2"),
    ("answer_a", "answer_b"),
    ("answer_1", "answer_2"),
    ("answer1", "answer2"),
    ("text1", "text2"),
)

DEFAULT_SCALE = (1.0, 5.0)
_SPAN = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(?:-|–|to|\.\.)\s*(-?\d+(?:\.\d+)?)\s*")


def scale_of(fields: Fields, name: str = "scale") -> tuple[float, float]:
    """Lowest and highest rating: 5 is 1 to 5, "0-10" is itself, none is 1 to 5.

    Raises:
        RowError: TYPE or RANGE.
    """
    fields.use(name)
    if not fields.has(name):
        return DEFAULT_SCALE
    value = fields.peek(name)
    span = _SPAN.fullmatch(value) if isinstance(value, str) else None
    lowest, highest = (float(span[1]), float(span[2])) if span else (1.0, fields.number(name))
    if not lowest < highest:
        raise RowError(Reason.RANGE, name, f"runs from {lowest:g} to {highest:g}")
    return lowest, highest


def rating_of(fields: Fields, name: str, scale: tuple[float, float]) -> float:
    """A rating on its scale.

    Raises:
        RowError: MISSING_COL, TYPE, NONFINITE or RANGE.
    """
    rating = fields.number(name)
    if not scale[0] <= rating <= scale[1]:
        raise RowError(Reason.RANGE, name, f"is {rating:g}, outside {scale[0]:g} to {scale[1]:g}")
    return rating


def name_among(fields: Fields, names: Iterable[str], what: str) -> str:
    """The first of the names that the record has.

    Raises:
        RowError: MISSING_COL.
    """
    names = tuple(names)
    found = next((name for name in names if fields.has(name)), None)
    if found is None:
        raise RowError(Reason.MISSING_COL, "", f"has no {what}: looked for {', '.join(names)}")
    return found


def pair_among(fields: Fields) -> tuple[str, str] | None:
    """The names of two responses that the record has, or None."""
    pairs = (pair for pair in PAIR_NAMES if fields.has(pair[0]) and fields.has(pair[1]))
    return next(pairs, None)
