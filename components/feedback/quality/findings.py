"""What an assessment hands back: figures, and findings that hold a batch or mark it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from components.feedback.reasons import HOLDS, REMEDIES, Reason

#: What json.dumps takes, without NaN and the infinities.
JSON: TypeAlias = Any
Figures: TypeAlias = dict[str, JSON]


@dataclass(frozen=True)
class Finding:
    """One thing that a person should know about a batch.

    Attributes:
        action: "hold": the batch waits until a person releases or refuses it; "tag": it is accepted, marked.
        message: what was found, with its numbers; names and phrases are written in ASCII.
        figures: the same numbers, for machines.
    """

    code: Reason
    action: Literal["hold", "tag"]
    message: str
    remedy: str
    figures: Figures

    def to_json(self) -> Figures:
        return {
            "code": str(self.code),
            "action": self.action,
            "message": self.message,
            "remedy": self.remedy,
            "figures": self.figures,
        }


@dataclass(frozen=True)
class Quality:
    """Figures (components/feedback/quality/assess.py says which) and findings of a batch."""

    figures: Figures
    findings: list[Finding]

    @property
    def holds(self) -> list[Finding]:
        """Findings for which the batch waits."""
        return [finding for finding in self.findings if finding.action == "hold"]

    def to_json(self) -> Figures:
        return {"figures": self.figures, "findings": [finding.to_json() for finding in self.findings]}


def finding(code: Reason, message: str, figures: Figures) -> Finding:
    """A finding with its code's action and remedy."""
    return Finding(code, "hold" if code in HOLDS else "tag", message, REMEDIES[code], figures)


def poison(message: str, figures: Figures) -> Finding:
    """POISON, one finding for all of the figures' `phrases`: `message` tells of the first."""
    more = len(figures["phrases"]) - 1
    tail = f"; and {more} more phrase{'s' * (more > 1)}" if more else ""
    return finding(Reason.POISON, message + tail, figures)
