"""What a promotion refuses, whichever way it was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.errors import ModelError, PromotionRefusedError
from components.files import digest_of, digest_tree, read_json
from components.tracking.registration import EVALUATION, LINEAGE
from components.tracking.serving import MODEL
from components.tracking.tracker import Tracker
from components.tracking.verdict import read_verdict
from components.tracking.versions import champion_of, checked_files, get_version

#: Fewer digits of a SHA-256 could be met by trying.
LEAST_DIGITS = 8


def unharmed_files(tracker: Tracker, version: Any) -> Path:
    """Where the version's files lie. Raises PromotionRefusedError if they are not those that were registered."""
    try:
        return checked_files(tracker, version)
    except ModelError as error:
        raise PromotionRefusedError(error.message, error.remedy) from None


def refuse_blocked(candidate: Any, files: Path) -> None:
    """Raises PromotionRefusedError if a gate blocks the candidate or none was measured."""
    verdict = read_verdict(files / EVALUATION / "gates.json")
    if not verdict.is_ready:
        raise PromotionRefusedError(
            f"{candidate.name} version {candidate.version} is {verdict.verdict}: "
            + "; ".join(verdict.reasons),
            "read reports/report.html, add feedback or change the training, and run `rlhf retrain`",
        )


def refuse_other_than(candidate: Any, shown: str | None) -> None:
    """Raises PromotionRefusedError if the candidate's SHA-256 does not begin as that of what the approver saw."""
    if shown is None:
        return
    if len(shown) < LEAST_DIGITS:
        raise PromotionRefusedError(f"SHA-256 {shown!r} is too short", f"give {LEAST_DIGITS} digits or more")
    if not candidate.tags["sha256"].startswith(shown.lower()):
        raise PromotionRefusedError(
            f"{candidate.name} version {candidate.version} is not what was shown: its SHA-256 was {shown}",
            "its files were replaced since: look at it again",
        )


def refuse_measured_against_another(tracker: Tracker, candidate: Any, files: Path) -> None:
    """Raises PromotionRefusedError if the candidate was held against another champion than the present one, or none.

    Two candidates that were both measured before either was promoted have never met. Versions of before this was
    recorded pass; so does the champion's own model.
    """
    held, number = _held_against(files), champion_of(tracker)
    if held is None or number is None:
        return
    champion = _model_digest(_sound_files(tracker, get_version(tracker, tracker.name, number)))
    if champion is not None and champion not in (held, _model_digest(files)):
        raise PromotionRefusedError(
            f"{candidate.name} version {candidate.version} was not measured against the present champion, version "
            f"{number} of {tracker.name}",
            "`rlhf retrain` measures anew what was trained last",
        )


def _held_against(files: Path) -> str | None:
    """The digest of the champion that its figures tell of, "none" where there was none; None where they do not say."""
    try:
        champion = read_json(files / EVALUATION / "metrics.json")["champion"]
        return "none" if champion["exists"] is False else str(champion["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _sound_files(tracker: Tracker, version: Any) -> Path | None:
    """Where the version's files lie; None where they were damaged: anything may take its place."""
    try:
        return checked_files(tracker, version)
    except ModelError:
        return None


def _model_digest(files: Path | None) -> str | None:
    return None if files is None else digest_of(digest_tree(files / MODEL))


def refuse_own_work(candidate: Any, files: Path, approver: str) -> None:
    """Raises PromotionRefusedError if nobody approves, or who trained the candidate does."""
    refuse_nobody(approver)
    writer = author_of(files)
    if approver.strip().casefold() == writer.strip().casefold():
        raise PromotionRefusedError(
            f"{approver.strip()} trained {candidate.name} version {candidate.version} and may not approve it",
            "let another person review and approve it; where one account trains for several people, "
            "`RLHF_AUTHOR=NAME rlhf retrain` tells who trains",
        )


def author_of(files: Path) -> str:
    """Who trained it. Raises PromotionRefusedError if its files do not say."""
    try:
        return str(read_json(files / LINEAGE)["author"])
    except (OSError, ValueError, KeyError, TypeError):
        raise PromotionRefusedError(
            f"{files / LINEAGE} does not say who trained it",
            "`rlhf retrain` registers a candidate that says so",
        ) from None


def refuse_nobody(approver: str) -> None:
    """Raises PromotionRefusedError if no approver is named."""
    if not approver.strip():
        raise PromotionRefusedError("no approver is named", "give --approver NAME")
