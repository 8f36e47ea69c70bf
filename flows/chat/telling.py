"""What is told of an answer, on the page and in a terminal."""

from __future__ import annotations

import secrets
from typing import Any

from components.evaluation.heat import token_attributes, token_scales
from components.evaluation.stars import stars_text
from components.serving.question import Finished, Measured, Question
from components.serving.thumbs import Said, new_id


def new_seed() -> int:
    """A number that a person can copy, and a browser's script keeps as it is."""
    return secrets.randbits(31)


def said_of(question: Question, found: Finished, version: str) -> Said:
    """The answer, as a thumb would store it."""
    prompt = question.prompts[found.choice // question.n]
    return Said(new_id(), prompt, found.text, version, question.temperature, question.top_p, question.seed)


def heat_of(found: Measured) -> dict[str, Any] | None:
    """Characters of each token, its figures in thousandths, and which figure has the full colour."""
    if not found.tokens:
        return None
    return {"scales": token_scales(found.tokens), **token_attributes(found.tokens)}


def score_line(found: Measured) -> str:
    stars = "" if found.stars is None else f", {stars_text(found.stars)}"
    return f"score {found.score:+.2f}{stars}"
