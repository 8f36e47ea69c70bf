"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARNING, PROBLEM = "ok", "warning", "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: of the check.
        level: "ok", "warning" (things run, but not as they should) or "problem" (they don't).
        what: what was found, with names and figures.
        remedy: what to do about it; "" where there is nothing to do.
    """

    name: str
    level: str
    what: str
    remedy: str = ""


def ok(name: str, what: str) -> Finding:
    return Finding(name, OK, what)


def warning(name: str, what: str, remedy: str) -> Finding:
    return Finding(name, WARNING, what, remedy)


def problem(name: str, what: str, remedy: str) -> Finding:
    return Finding(name, PROBLEM, what, remedy)


def has_problem(findings: list[Finding]) -> bool:
    return any(each.level == PROBLEM for each in findings)
