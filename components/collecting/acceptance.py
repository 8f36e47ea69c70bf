"""Whether ingestion will take what a person wrote: told while they can still change it.

One secret in a comment would have a whole file refused, with everybody's judgements.
"""

from __future__ import annotations

from typing import Any

from components.collecting.assignment import Pair
from components.collecting.export import edit_row
from components.collecting.judging import Answer, verdict_of
from components.feedback.fields import Fields
from components.feedback.readers import edit
from components.feedback.reasons import BatchError, RowError
from components.feedback.rules import Rules
from components.feedback.rules.rules import REFUSING
from components.feedback.rules.secrets import SECRET

#: A remark, and no essay.
MOST_COMMENT_CHARS = 2000


def fault_in(answer: Answer, pair: Pair, name: str, rules: Rules) -> tuple[str, str] | None:
    """The field at fault (comment or edited), and what ingestion has against it; None where it takes both.

    What it may have against the pair itself is not the person's to mend: `rlhf collect tasks` looks at that.
    """
    if found := _fault_of_comment(answer.comment):
        return "comment", found
    row = _row(answer, pair, name)
    found = None if row["edited"] is None else _fault_of_edit(edit_row(row), rules)
    return None if found is None else ("edited", found)


def _fault_of_comment(comment: str) -> str | None:
    if len(comment) > MOST_COMMENT_CHARS:
        return f"longer than {MOST_COMMENT_CHARS} characters"
    return next((found for rule in (SECRET, *REFUSING) if (found := rule.find(comment))), None)


def _fault_of_edit(row: dict[str, Any], rules: Rules) -> str | None:
    try:
        rules.check(edit.read(Fields(row)))
    except RowError as error:
        return error.what if error.field == "edited_response" else None
    except BatchError as error:
        return error.message
    return None


def _row(answer: Answer, pair: Pair, name: str) -> dict[str, Any]:
    shown = {"prompt": pair.prompt, "response_a": pair.response_a, "response_b": pair.response_b}
    about = {"name": name, "task_id": pair.id, "language": pair.language, "origin": "", "digest": ""}
    return {**shown, **about, **verdict_of(answer, pair.swapped), "answered_at": None, "seconds": 0.0}
