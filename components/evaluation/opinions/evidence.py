"""The opinions on disk that are of the current candidate's answers, in a sentence each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.errors import DataError
from components.evaluation.opinions.pairs import digest_of_pairs, read_pairs
from components.files import read_json

LLM = Path("reports/llm_judge.json")
PEOPLE = Path("reports/people_judge.json")


def evidence(root: Path) -> list[dict[str, Any]]:
    """{"file", "told", "figures"} of each; files that are of other answers, or damaged, are left out."""
    found = ((path, _read(root, path)) for path in (LLM, PEOPLE))
    return [
        {"file": path.as_posix(), "told": told(figures), "figures": figures}
        for path, figures in found
        if figures
    ]


def told(figures: dict[str, Any]) -> str:
    """Such as "by an LLM (NAME), additional evidence and no gate: the candidate wins 60.0% [...] ..."."""
    rate, (lower, upper) = figures["win_rate"], figures["win_rate_ci"]
    agreement = figures["agreement_with_judge"]
    beside = "" if agreement is None else f", agreeing with the judge model on {agreement:.1%}"
    return (
        f"second opinion of {figures['judge']}, additional evidence and no gate: the candidate wins {rate:.1%} "
        f"[{lower:.1%}, {upper:.1%}] of {figures['prompts']} prompts against {figures['against']}{beside}"
    )


def _read(root: Path, path: Path) -> dict[str, Any] | None:
    try:
        figures: dict[str, Any] = read_json(root / path)
        if figures["answers_sha256"] != digest_of_pairs(read_pairs(root, figures["against"])):
            return None
        told(figures)
    except (OSError, ValueError, KeyError, TypeError, DataError):
        return None
    return figures
