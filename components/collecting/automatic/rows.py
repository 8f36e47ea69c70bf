"""A judgement that no person gave, as a row that ingestion takes: marked, and under a name that is kept for such."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from components.collecting.tasks import Task
from components.errors import ConfigError
from components.feedback.automatic.names import PREFIX
from components.feedback.judgements import digest_of
from components.feedback.limits import MAX_NAME_CHARS


@dataclass
class Judged:
    """What an annotator said of a file's pairs.

    Attributes:
        rows: its judgements; it has an opinion of no other pair.
        ties: pairs that it calls equal; contradictions: of which it said two things; silent: of which it said nothing.
    """

    annotator: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    ties: int = 0
    contradictions: int = 0
    silent: int = 0


def name_of(*parts: str) -> str:
    """The annotator's name, such as auto:rules/length.

    Raises:
        ConfigError: ingestion would not take it.
    """
    name = PREFIX + "/".join(parts)
    if len(name) > MAX_NAME_CHARS or not name.isprintable():
        what = f"{name[:60]!a} is no name of an annotator: too long, or not printable"
        raise ConfigError(what, "give --model a shorter name")
    return name


def row_of(task: Task, annotator: str, preferred: str, why: Mapping[str, Any]) -> dict[str, Any]:
    """A row of kind `pairwise`; the same judgement has the same id, whenever it is made and in either order.

    Args:
        preferred: a or b.
        why: fields beside it, which ingestion keeps and nothing learns from.
    """
    better = str(task[f"response_{preferred}"])
    row = {
        "id": f"auto-{digest_of((annotator, str(task['digest']), better))[:24]}",
        "prompt": task["prompt"],
        "response_a": task["response_a"],
        "response_b": task["response_b"],
        "preferred": preferred,
        "annotator": annotator,
        "automatic": True,
        "source": annotator,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "language": task["language"],
        "task": task["id"],
        **why,
    }
    return {name: value for name, value in row.items() if value is not None}
