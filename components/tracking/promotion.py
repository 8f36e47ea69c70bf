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

from components.errors import PromotionRefusedError, RegistryError
from components.locks import exclusive
from components.tracking import audit_trail
from components.tracking.audit import last_act, read_log
from components.tracking.audit_chain import BROKEN
from components.tracking.champion import finish_cut_off, move_champion
from components.tracking.history import champion_before, was_champion
from components.tracking.lineage import author
from components.tracking.loading import reward_of
from components.tracking.packages import upload
from components.tracking.rules import (
    refuse_blocked,
    refuse_measured_against_another,
    refuse_nobody,
    refuse_other_than,
    refuse_own_work,
    unharmed_files,
)
from components.tracking.runs import finished_run, new_run
from components.tracking.tracker import Tracker, mlflow_errors
from components.tracking.versions import (
    all_versions,
    champion_of,
    create_version,
    find_version,
    get_version,
    is_sound,
)
from components.workspace import STATE

#: The version that somebody began to promote last; a tag of the production model.
ASKED = "promotion.asked"


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
        shown: SHA-256 of the candidate that the approver saw, or its first digits; None takes what is there now.

    Raises:
        PromotionRefusedError: blocked by a gate, never measured, or not against the present champion; damaged, other
            than shown, or approved by its own author; or the audit log is broken.
        NotAllowedError: this login may not change the production model.
        RegistryError: there is no such version, or MLflow cannot be reached.
    """
    refuse_without_right(tracker, version)
    with alone(tracker.root), mlflow_errors():
        finished = finish_cut_off(tracker)
        candidate = get_version(tracker, tracker.model("candidate"), version)
        files = unharmed_files(tracker, candidate)
        refuse_blocked(candidate, files)
        refuse_other_than(candidate, shown)
        refuse_own_work(candidate, files, approver)
        refuse_measured_against_another(tracker, candidate, files)
        # Without its reward model nothing could be told of the champion's answers.
        unharmed_files(tracker, reward_of(tracker, files))
        audit_trail.refuse_broken(tracker)
        copy = _production_copy(tracker, candidate, files, approver)
        return _crown(tracker, copy, _act("promote", copy, approver), finished)


def rollback(tracker: Tracker, version: str | None, approver: str) -> Promotion:
    """Point @champion at the champion before, or at the production version named.

    A broken audit log does not hinder it: what harms people must go. Its line then tells that the log was broken.

    Raises:
        PromotionRefusedError: that version's files are damaged, or no one approves; or it was never in production,
            and the rules of a first promotion refuse it.
        RegistryError: there is no such version, none before, or MLflow cannot be reached.
    """
    with alone(tracker.root), mlflow_errors():
        refuse_nobody(approver)
        finished = finish_cut_off(tracker)
        target = get_version(tracker, tracker.name, version or _version_before(tracker, finished))
        files = unharmed_files(tracker, target)
        if not was_champion(read_log(tracker.root), target):
            refuse_blocked(target, files)
            refuse_own_work(target, files, approver)
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
        refuse_nobody(approver)
        if not why.strip():
            raise PromotionRefusedError("no reason is given", "say what was found out: --why TEXT")
        finish_cut_off(tracker)
        return audit_trail.restart(tracker, approver, why)


def alone(root: Path) -> AbstractContextManager[TextIO]:
    """One change of the champion at a time in this workspace; a second one waits, for they take seconds."""
    return exclusive(root / STATE / "promote.lock")


def refuse_without_right(tracker: Tracker, version: str) -> None:
    """Ask for the right to promote, by a tag that harms nobody: to find out after the upload leaves all of it behind.

    Raises:
        NotAllowedError: this login may not change the production model.
        RegistryError: MLflow cannot be reached.
    """
    # Where the model is not there yet, making it asks for the right.
    if _has_production(tracker):
        with mlflow_errors():
            tracker.client.set_registered_model_tag(tracker.name, ASKED, version)


def _has_production(tracker: Tracker) -> bool:
    with mlflow_errors():
        return bool(tracker.client.search_registered_models(f"name = '{tracker.name}'"))


def _production_copy(tracker: Tracker, candidate: Any, files: Path, approver: str) -> Any:
    """The production version with the candidate's bytes: the one made before if it is sound, or a new one."""
    digest = candidate.tags["sha256"]
    known = find_version(tracker, tracker.name, "sha256", digest)
    if known is not None and _is_copy(tracker, known) and is_sound(tracker, known):
        return known
    key = f"promote-{digest}"
    finished_run(tracker, key)
    with new_run(tracker, f"promote candidate {candidate.version}", {"rlhf.key": key}) as run:
        source = upload(tracker, run, files, tracker.name, digest)
        tags = candidate.tags | {"candidate_version": str(candidate.version), "approver": approver.strip()}
        made = create_version(tracker, tracker.name, source, run, tags, candidate.description or "")
    return get_version(tracker, tracker.name, made.version)


def _is_copy(tracker: Tracker, version: Any) -> bool:
    """Whether it has files of its own: MLflow's `copy_model_version` and a version made by hand point at others'."""
    return bool(version.source.rstrip("/").endswith(f"/{tracker.name}"))


def _act(action: str, version: Any, approver: str) -> dict[str, Any]:
    """What the audit log tells of a change, but for what was champion before."""
    return {
        "action": action,
        "model": version.name,
        "version": str(version.version),
        "sha256": version.tags["sha256"],
        "approver": approver.strip(),
        "by": author(),
        "candidate_version": version.tags.get("candidate_version", ""),
    }


def _crown(tracker: Tracker, version: Any, act: dict[str, Any], finished: dict[str, Any] | None) -> Promotion:
    """Args: finished: what a killed process had begun and this one has just finished."""
    before, number = champion_of(tracker), str(version.version)
    if before != number:
        move_champion(tracker, act | {"previous_version": before})
    elif finished and (finished["action"], finished["version"]) == (act["action"], number):
        before = finished["previous_version"]
    elif last_act(read_log(tracker.root)).get("version") != number:
        # Somebody set the alias by hand: from now on the log tells who stands for it.
        move_champion(tracker, act | {"previous_version": None})
    changed = before != number
    return Promotion(version.name, number, act["candidate_version"], act["sha256"], before, changed)


def _version_before(tracker: Tracker, finished: dict[str, Any] | None) -> str:
    """What was champion before the present one was promoted; of a rollback cut off and given again, where it went."""
    if finished and finished["action"] == "rollback":
        return str(finished["version"])
    champion = champion_of(tracker)
    if champion is None:
        raise RegistryError(f"{tracker.name} has no champion yet", "run `rlhf promote VERSION` first")
    digest = get_version(tracker, tracker.name, champion).tags.get("sha256")
    before = champion_before(read_log(tracker.root), tracker.name, champion, digest)
    if before is None:
        others = {str(each.version) for each in all_versions(tracker, tracker.name)} - {champion}
        known = f"versions that can be named: {', '.join(sorted(others)) or 'none'}"
        raise RegistryError(
            f"the log tells of no champion before version {champion} of {tracker.name}", known
        )
    return before
