"""Carries out the approvals that reviewers leave in MLflow's UI, by the rules of promotion.

Where the server keeps roles the request is the tag `approve` = "VERSION NAME" of the production model, which
the pipeline may not write; "VERSION@SHA256 NAME" approves those very files and no others. Elsewhere it is the
alias `approved` of a candidate, its version's tag `approver` naming the person. The outcome is told in the tag
`approval` of the same page and the request is removed last, so that a process killed in between does it all once
more, which promotion takes as done.

A login that may not promote leaves the request for one that may, and says so in the tag `approval.waits` of the
candidate's version. Nothing is uploaded for it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from components.errors import NotAllowedError, PromotionRefusedError, RegistryError
from components.locks import exclusive
from components.tracking.promotion import promote, refuse_without_right
from components.tracking.roles import has_roles
from components.tracking.tracker import Tracker, mlflow_errors
from components.tracking.versions import get_version, read_model
from components.workspace import STATE

#: The request: a tag of the production model, or an alias of the candidates.
APPROVE, APPROVED = "approve", "approved"
APPROVER, OUTCOME, WAITS = "approver", "approval", "approval.waits"
#: How an outcome begins that changed nothing.
REFUSED = "refused: "
#: What a tag of a version may hold in MLflow.
LONGEST_TAG = 5000


@dataclass(frozen=True)
class Outcome:
    """What became of a request: `promoted` into `version` of production, or the reason why not.

    Attributes: is_left: the request stays where it is, for another login.
    """

    candidate: str
    approver: str
    promoted: bool
    reason: str
    version: str | None
    is_left: bool = False


def reconcile(tracker: Tracker) -> list[Outcome]:
    """Carry out the requests that wait; a refused one is told and removed like one that is carried out.

    Raises:
        RegistryError: MLflow cannot be reached. The requests stay.
    """
    # Two reconcilers at once: the second finds the request gone.
    with exclusive(tracker.root / STATE / "reconcile.lock"), mlflow_errors():
        return [*_from_tag(tracker), *_from_alias(tracker)]


def _from_tag(tracker: Tracker) -> list[Outcome]:
    request = read_model(tracker, tracker.name, "tags").get(APPROVE, "")
    if not request.strip():
        return []
    wanted, _, approver = request.strip().partition(" ")
    version, _, shown = wanted.partition("@")
    try:
        refuse_without_right(tracker, version)
    except NotAllowedError:
        return [_left(tracker, version, approver)]
    outcome = _carried_out(tracker, version, approver, shown or None)
    told = f"candidate {version}: {outcome.reason}"[:LONGEST_TAG]
    tracker.client.set_registered_model_tag(tracker.name, OUTCOME, told)
    if read_model(tracker, tracker.name, "tags").get(APPROVE) == request:
        tracker.client.delete_registered_model_tag(tracker.name, APPROVE)
    return [outcome]


def _from_alias(tracker: Tracker) -> list[Outcome]:
    name = tracker.model("candidate")
    version = str(read_model(tracker, name, "aliases").get(APPROVED, ""))
    if not version:
        return []
    approver = get_version(tracker, name, version).tags.get(APPROVER, "")
    if has_roles(tracker):
        # Nothing is written: a reviewer may not edit candidates, and the alias alone must not stop the pass.
        where = f"set the tag {APPROVE} = '{version} NAME' on the page of {tracker.name}"
        reason = f"{REFUSED}who trains may set this alias, so it approves nothing; {where}"
        return [Outcome(version, approver, False, reason, None, is_left=True)]
    outcome = _carried_out(tracker, version, approver)
    tracker.client.set_model_version_tag(name, version, OUTCOME, outcome.reason[:LONGEST_TAG])
    if str(read_model(tracker, name, "aliases").get(APPROVED, "")) == version:
        tracker.client.delete_registered_model_alias(name, APPROVED)
    return [outcome]


def _carried_out(tracker: Tracker, version: str, approver: str, shown: str | None = None) -> Outcome:
    try:
        get_version(tracker, tracker.model("candidate"), version)
    except RegistryError as error:
        return _refused(version, approver, f"{error.message}; {error.remedy}")
    try:
        done = promote(tracker, version, approver, shown)
    except PromotionRefusedError as error:
        return _refused(version, approver, f"{error.message}; {error.remedy}")
    return Outcome(
        version, approver, True, f"promoted as version {done.version} of {done.model}", done.version
    )


def _left(tracker: Tracker, version: str, approver: str) -> Outcome:
    """Told on the candidate's page, for this login may not write on that of the request."""
    reason = (
        f"approved by {approver or 'nobody'}, but the login that looked may not promote: "
        "a reviewer must run `rlhf reconcile --watch 60`"
    )
    with suppress(RegistryError), mlflow_errors():
        name = tracker.model("candidate")
        if get_version(tracker, name, version).tags.get(WAITS) != reason:
            tracker.client.set_model_version_tag(name, version, WAITS, reason[:LONGEST_TAG])
    return Outcome(version, approver, False, reason, None, is_left=True)


def _refused(version: str, approver: str, reason: str) -> Outcome:
    return Outcome(version, approver, False, f"{REFUSED}{reason}", None)
