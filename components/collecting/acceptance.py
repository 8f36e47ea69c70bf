"""Whether ingestion will take what a person wrote: told while they can still change it."""

from __future__ import annotations

from typing import Any

from components.collecting.assignment import Pair
from components.collecting.export import edit_row, pairwise_row
from components.collecting.judging import Answer, verdict_of
from components.feedback.fields import Fields
from components.feedback.readers import edit, pairwise
from components.feedback.reasons import BatchError, RowError
from components.feedback.rules import Rules
from components.feedback.rules.rules import REFUSING

#: A remark, and no essay.
MOST_COMMENT_CHARS = 2000


def fault_in(answer: Answer, pair: Pair, name: str, rules: Rules) -> tuple[str, str] | None:
    """The field at fault (comment or edited), and what ingestion has against it; None where it takes the answer.

    One secret in a comment would have the whole file refused, with everybody's judgements.
    """
    if len(answer.comment) > MOST_COMMENT_CHARS:
        return "comment", f"longer than {MOST_COMMENT_CHARS} characters"
    if found := next((found for rule in REFUSING if (found := rule.find(answer.comment))), None):
        return "comment", found
    row = _row(answer, pair, name)
    readers = [("comment", pairwise.read, pairwise_row)]
    if row["edited"] is not None:
        readers.append(("edited", edit.read, edit_row))
    for field, read, made in readers:
        try:
            rules.check(read(Fields(made(row))))
        except (RowError, BatchError) as error:
            return field, error.what if isinstance(error, RowError) else error.message
    return None


def _row(answer: Answer, pair: Pair, name: str) -> dict[str, Any]:
    shown = {"prompt": pair.prompt, "response_a": pair.response_a, "response_b": pair.response_b}
    about = {
        "name": name,
        "task_id": pair.id,
        "swapped": pair.swapped,
        "language": pair.language,
        "gold": None,
    }
    return {**shown, **about, **verdict_of(answer, pair.swapped), "answered_at": None, "seconds": 0.0}
