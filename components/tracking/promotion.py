"""Puts a candidate into production, and takes it back. A person answers for either.

Candidates and production are two registered models, because MLflow's permission to edit one model covers
its versions and aliases alike; and production gets its own copy of the files, because MLflow's own
`copy_model_version` copies a reference: files overwritten in the candidate's run would be served.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from components.errors import ModelError, PromotionRefusedError, RegistryError
from components.files import read_json
from components.locks import exclusive
from components.tracking import audit_trail
from components.tracking.audit import last_act, read_log
from components.tracking.audit_chain import BROKEN
from components.tracking.champion import finish_cut_off, move_champion
from components.tracking.lineage import author
from components.tracking.packages import upload
from components.tracking.registration import EVALUATION, LINEAGE
from components.tracking.runs import finished_run, new_run
from components.tracking.tracker import Tracker, mlflow_errors
from components.tracking.verdict import read_verdict
from components.tracking.versions import (
    all_versions,
    champion_of,
    checked_files,
    create_version,
    find_version,
    get_version,
    is_sound,
)
from components.workspace import STATE


@dataclass(frozen=True)
class Promotion:
    """Where @champion points after a promotion or a rollback.

    Attributes:
        version: of the production model `model`.
        candidate: version of the candidate that its files came from.
        previous: the champion before, or None.
        changed: False where @champion pointed there already.
    """

    model: str
    version: str
    candidate: str
    digest: str
    previous: str | None
    changed: bool


def promote(tracker: Tracker, version: str, approver: str, shown: str | None = None) -> Promotion:
    """Copy a READY candidate's files into the production model and point @champion at the copy, last of all.

    Args:
        shown: SHA-256 of the candidate that the approver saw, where a decision was asked for earlier.

    Raises:
        PromotionRefusedError: blocked by a gate, never measured, damaged, other than shown, or approved by its own
            author; or the audit log is broken.
        RegistryError: there is no such version, or MLflow cannot be reached.
    """
    with alone(tracker.root), mlflow_errors():
        finished = finish_cut_off(tracker)
        candidate = get_version(tracker, tracker.model("candidate"), version)
        files = unharmed_files(tracker, candidate)
        refuse_blocked(candidate, files)
        _refuse_other_than(candidate, shown)
        _refuse_own_work(candidate, files, approver)
        audit_trail.refuse_broken(tracker)
        copy = _production_copy(tracker, candidate, files, approver)
        return _crown(tracker, copy, _act("promote", copy, approver), finished)


def rollback(tracker: Tracker, version: str | None, approver: str) -> Promotion:
    """Point @champion at the champion before, or at the production version named.

    A broken audit log does not hinder it: what harms people must go. Its line then tells that the log was broken.

    Raises:
        PromotionRefusedError: that version's files are damaged, or no one approves.
        RegistryError: there is no such version, none before, or MLflow cannot be reached.
    """
    with alone(tracker.root), mlflow_errors():
        _refuse_nobody(approver)
        finished = finish_cut_off(tracker)
        target = get_version(tracker, tracker.name, version or _version_before(tracker, finished))
        unharmed_files(tracker, target)
        act = _act("rollback", target, approver)
        faults = audit_trail.inspect(tracker).faults
        return _crown(tracker, target, act | ({BROKEN: faults[0].message} if faults else {}), finished)


def look_at_log(tracker: Tracker) -> audit_trail.Trail:
    """The audit log and what is wrong with it, read while nobody writes to it.

    Raises:
        RegistryError: MLflow cannot be reached.
    """
    with alone(tracker.root), mlflow_errors():
        return audit_trail.inspect(tracker)


def restart_log(tracker: Tracker, approver: str, why: str) -> Path:
    """Begin a new audit log that tells of the broken one; returns where that lies now.

    Raises:
        PromotionRefusedError: no one approves, or no reason is given.
        RegistryError: the log is whole, or MLflow cannot be reached.
    """
    with alone(tracker.root), mlflow_errors():
        _refuse_nobody(approver)
        if not why.strip():
            raise PromotionRefusedError("no reason is given", "say what was found out: --why TEXT")
        finish_cut_off(tracker)
        return audit_trail.restart(tracker, approver, why)


def alone(root: Path) -> AbstractContextManager[TextIO]:
    """One change of the champion at a time in this workspace; a second one waits, for they take seconds."""
    return exclusive(root / STATE / "promote.lock")


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


def _refuse_other_than(candidate: Any, shown: str | None) -> None:
    if shown is not None and candidate.tags["sha256"] != shown:
        raise PromotionRefusedError(
            f"{candidate.name} version {candidate.version} is not what was shown: its SHA-256 was {shown}",
            "look at it again, then `rlhf promote` or `rlhf ask`",
        )


def _refuse_own_work(candidate: Any, files: Path, approver: str) -> None:
    _refuse_nobody(approver)
    writer = read_json(files / LINEAGE)["author"]
    if approver.strip().casefold() == writer.strip().casefold():
        raise PromotionRefusedError(
            f"{approver.strip()} trained {candidate.name} version {candidate.version} and may not approve it",
            "let another person review and approve it; where one account trains for several people, "
            "`RLHF_AUTHOR=NAME rlhf retrain` tells who trains",
        )


def _refuse_nobody(approver: str) -> None:
    if not approver.strip():
        raise PromotionRefusedError("no approver is named", "give --approver NAME")


def _production_copy(tracker: Tracker, candidate: Any, files: Path, approver: str) -> Any:
    """The production version with the candidate's bytes: the one made before if it is sound, or a new one."""
    digest = candidate.tags["sha256"]
    known = find_version(tracker, tracker.name, "sha256", digest)
    if known is not None and is_sound(tracker, known):
        return known
    key = f"promote-{digest}"
    finished_run(tracker, key)
    with new_run(tracker, f"promote candidate {candidate.version}", {"rlhf.key": key}) as run:
        source = upload(tracker, run, files, tracker.name, digest)
        tags = candidate.tags | {"candidate_version": str(candidate.version), "approver": approver.strip()}
        made = create_version(tracker, tracker.name, source, run, tags, candidate.description or "")
    return get_version(tracker, tracker.name, made.version)


def _act(action: str, version: Any, approver: str) -> dict[str, Any]:
    """What the audit log tells of a change, but for what was champion before."""
    return {
        "action": action,
        "model": version.name,
        "version": str(version.version),
        "sha256": version.tags["sha256"],
        "approver": approver.strip(),
        "by": author(),
        "candidate_version": version.tags["candidate_version"],
    }


def _crown(tracker: Tracker, version: Any, act: dict[str, Any], finished: dict[str, Any] | None) -> Promotion:
    """Args: finished: what a killed process had begun and this one has just finished."""
    before, number = champion_of(tracker), str(version.version)
    if before != number:
        if act["action"] == "promote":
            previous = _previous(tracker, version, before)
            tracker.client.set_model_version_tag(tracker.name, number, "previous", previous)
        move_champion(tracker, act | {"previous_version": before})
    elif finished and (finished["action"], finished["version"]) == (act["action"], number):
        before = finished["previous_version"]
    elif last_act(read_log(tracker.root)).get("version") != number:
        # Somebody set the alias by hand: from now on the log tells who stands for it.
        move_champion(tracker, act | {"previous_version": None})
    changed = before != number
    return Promotion(version.name, number, act["candidate_version"], act["sha256"], before, changed)


def _previous(tracker: Tracker, version: Any, champion: str | None) -> str:
    """What a rollback goes back to: the champion; of a damaged copy of the same model, what was before it."""
    if champion is None:
        return ""
    replaced = get_version(tracker, tracker.name, champion).tags
    same = replaced["sha256"] == version.tags["sha256"]
    return str(replaced.get("previous", "")) if same else champion


def _version_before(tracker: Tracker, finished: dict[str, Any] | None) -> str:
    """What was champion before the present one was promoted; of a rollback cut off and given again, where it went."""
    if finished and finished["action"] == "rollback":
        return str(finished["version"])
    champion = champion_of(tracker)
    if champion is None:
        raise RegistryError(f"{tracker.name} has no champion yet", "run `rlhf promote VERSION` first")
    before = str(get_version(tracker, tracker.name, champion).tags.get("previous", ""))
    if not before:
        others = {str(each.version) for each in all_versions(tracker, tracker.name)} - {champion}
        known = f"versions that can be named: {', '.join(sorted(others)) or 'none'}"
        raise RegistryError(f"there was no champion before version {champion} of {tracker.name}", known)
    return before
