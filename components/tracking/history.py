"""Which versions were champion, as the audit log tells: where a rollback goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.tracking.audit import DELETE, Line

_MOVES = ("promote", "rollback", "restart")


def acts_of(lines: Sequence[Line], model: str) -> list[dict[str, Any]]:
    """Every act that put a version of this model into production, or found it there, oldest first."""
    acts = (line.act for line in lines)
    return [
        act
        for act in acts
        if act.get("model") == model and act.get("action") in _MOVES and isinstance(act.get("version"), str)
    ]


def was_champion(lines: Sequence[Line], version: Any) -> bool:
    """Whether the log tells of these very files in production."""
    mine = (str(version.version), version.tags.get("sha256"))
    return any((act["version"], act.get("sha256")) == mine for act in acts_of(lines, version.name))


def champion_before(lines: Sequence[Line], model: str, champion: str, digest: str | None) -> str | None:
    """What was champion before the present one came, of those that still exist.

    Args:
        champion, digest: the present one's version and SHA-256; another copy of the same files is not before it.

    Returns:
        None where the log tells of no other. Where it does not end with this champion (set by hand, or a line is
        lost), what it ends with.
    """
    others = [
        act["version"] for act in champions(lines, model) if digest is None or act.get("sha256") != digest
    ]
    return next((version for version in reversed(others) if version != champion), None)


def champions(lines: Sequence[Line], model: str) -> list[dict[str, Any]]:
    """The acts by which the versions came into production that a rollback can go back through, the present one last.

    Undoing takes away what it undid, so it never goes in circles. What was deleted is no way back.
    """
    gone, stack = deleted(lines, model), list[dict[str, Any]]()
    for act in acts_of(lines, model):
        if act["version"] in gone:
            continue
        places = [at for at, each in enumerate(stack) if each["version"] == act["version"]]
        if act["action"] == "rollback" and places:
            del stack[places[-1] + 1 :]
        elif not stack or stack[-1]["version"] != act["version"]:
            stack.append(act)
    return stack


def deleted(lines: Sequence[Line], model: str) -> set[str]:
    """Versions of this model that `rlhf clean` has taken away."""
    acts = (line.act for line in lines)
    return {
        str(act.get("version")) for act in acts if act.get("model") == model and act.get("action") == DELETE
    }
