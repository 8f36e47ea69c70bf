"""What a browser sends, read within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request

from components.collecting.assignment import Pair
from components.collecting.judging import STRENGTHS, Answer
from components.pages.page import visible
from flows.web.bodies import BodyError, read_body

#: A longer answer is not offered for editing: it would have to be sent back as a whole.
MOST_EDITED_CHARS = 20_000
#: Two such answers of three bytes a character, each byte written as three, and all that stands beside them.
MOST_BODY_BYTES = 512 << 10
_MOST_FIELDS = 20
_TYPE = "application/x-www-form-urlencoded"
_CHOICES = ("left", "right", "tie", "bad")


@dataclass(frozen=True)
class Draft:
    """What a form holds, however incomplete.

    Attributes:
        edit_left, edit_right: each answer as the person wrote it, or "" where it is as it was.
    """

    choice: str = ""
    strength: str = ""
    stars_left: int | None = None
    stars_right: int | None = None
    edit_left: str = ""
    edit_right: str = ""
    comment: str = ""


class FormError(BodyError):
    """A form that cannot be taken."""


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, each once.

    Raises:
        BodyError: too_large, or bad_body.
    """
    body = await read_body(request, _TYPE, MOST_BODY_BYTES)
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
        )
    except ValueError:
        raise FormError("bad_body", 400) from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise FormError("bad_body", 400)
    return {name: lines(value) for name, value in fields.items()}


def answer_of(fields: dict[str, str], pair: Pair) -> Answer:
    """What the form says of the pair.

    Raises:
        FormError: missing, wrong_edit, or bad_body for what no form of ours sends.
    """
    skips = fields.get("action") == "skip"
    choice = "skip" if skips else fields.get("choice", "")
    if not skips and choice not in _CHOICES:
        raise FormError("missing", 422)
    strength = fields.get("strength", "")
    if strength and strength not in STRENGTHS:
        raise FormError("bad_body", 400)
    edited = "" if skips else _edited(fields, pair, choice)
    stars = [_stars(fields.get(name, "")) for name in ("stars_left", "stars_right")]
    return Answer(choice, strength, stars[0], stars[1], edited, fields.get("comment", "").strip())


def draft_of(fields: dict[str, str], pair: Pair) -> Draft:
    """All that a form holds, to show it again: both edits, though only one can be taken."""
    stars = [
        int(value) if value in ("1", "2", "3", "4", "5") else None
        for value in (fields.get("stars_left", ""), fields.get("stars_right", ""))
    ]
    edits = _edits(fields, pair)
    return Draft(
        choice=fields.get("choice", ""),
        strength=fields.get("strength", ""),
        stars_left=stars[0],
        stars_right=stars[1],
        edit_left=edits.get("left", ""),
        edit_right=edits.get("right", ""),
        comment=fields.get("comment", ""),
    )


def draft_of_answer(answer: Answer) -> Draft:
    """What was said before, as a form holds it."""
    edits = {f"edit_{answer.choice}": answer.edited} if answer.choice in ("left", "right") else {}
    said = (answer.choice, answer.strength, answer.stars_left, answer.stars_right)
    return Draft(*said, comment=answer.comment, **edits)


def _stars(value: str) -> int | None:
    if value not in ("", "1", "2", "3", "4", "5"):
        raise FormError("bad_body", 400)
    return int(value) if value else None


def _edited(fields: dict[str, str], pair: Pair, choice: str) -> str:
    """The better answer as the person wrote it, or "" where they left it as it is."""
    edits = _edits(fields, pair)
    if edits.keys() - {choice}:
        raise FormError("wrong_edit", 422)
    return edits.get(choice, "")


def _edits(fields: dict[str, str], pair: Pair) -> dict[str, str]:
    """The texts that are not as they were, by side."""
    return {
        side: text
        for side, original in (("left", pair.left), ("right", pair.right))
        if (text := fields.get(f"edit_{side}", "")).strip() and not _same(text, original)
    }


def _same(text: str, original: str) -> bool:
    return text.strip() in (lines(original).strip(), visible(lines(original)).strip())


def lines(text: str) -> str:
    """The text with LF at the end of its lines: browsers send CR LF, whatever they were given, and pages show LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
