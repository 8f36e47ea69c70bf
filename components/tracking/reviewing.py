"""What a reviewer is shown who is asked to decide on a candidate, and what becomes of a no."""

from __future__ import annotations

from dataclasses import dataclass

from components.errors import PromotionRefusedError
from components.tracking.reconciling import LONGEST_TAG, OUTCOME, REFUSED
from components.tracking.roles import has_roles
from components.tracking.rules import author_of, refuse_blocked, refuse_nobody, unharmed_files
from components.tracking.tracker import Tracker, mlflow_errors, without_login
from components.tracking.versions import all_versions, champion_of, get_version


@dataclass(frozen=True)
class Candidate:
    """A READY candidate as it stands.

    Attributes:
        digest: SHA-256 of its files' manifest.
        description: verdict and figures in one paragraph; parts of feedback may stand in it.
        champion: the production version it would replace, or None.
    """

    name: str
    version: str
    digest: str
    author: str
    description: str
    champion: str | None


def look_at_candidate(tracker: Tracker, version: str) -> Candidate:
    """A candidate that a reviewer may be asked about.

    Raises:
        PromotionRefusedError: a gate blocks it, its files were changed, or the server keeps roles: whoever reaches
            Prefect may answer there under any name, also the pipeline that trained it.
        RegistryError: there is no such version, or MLflow cannot be reached.
    """
    with mlflow_errors():
        _refuse_roles(tracker, version)
        found = get_version(tracker, tracker.model("candidate"), version)
        files = unharmed_files(tracker, found)
        refuse_blocked(found, files)
        writer = author_of(files)
        champion = champion_of(tracker)
        digest = found.tags["sha256"]
        return Candidate(found.name, str(found.version), digest, writer, found.description or "", champion)


def is_decided(tracker: Tracker, version: str) -> bool:
    """Whether a candidate was declined, or promoted, also where another one is champion by now.

    Raises:
        RegistryError: there is no such version, or MLflow cannot be reached.
    """
    with mlflow_errors():
        answer = get_version(tracker, tracker.model("candidate"), version).tags.get(OUTCOME, "")
        promoted = {each.tags.get("candidate_version") for each in all_versions(tracker, tracker.name)}
    # A request that was refused decided nothing.
    return bool(answer and not answer.startswith(REFUSED)) or version in promoted


def record_answer(tracker: Tracker, version: str, answer: str) -> None:
    """Tell on the candidate's page in MLflow what was decided.

    Raises:
        RegistryError: MLflow cannot be reached.
    """
    with mlflow_errors():
        name = tracker.model("candidate")
        tracker.client.set_model_version_tag(name, version, OUTCOME, answer[:LONGEST_TAG])


def refuse_incomplete(approver: str, reason: str, *, declines: bool) -> None:
    """Raises PromotionRefusedError if nobody answers for the decision, or a no gives no reason."""
    refuse_nobody(approver)
    if declines and not reason.strip():
        raise PromotionRefusedError(
            "it was declined without a reason", "ask again with `rlhf ask` and say why"
        )


def _refuse_roles(tracker: Tracker, version: str) -> None:
    if has_roles(tracker):
        raise PromotionRefusedError(
            f"{without_login(tracker.uri)} keeps roles, and an answer in Prefect's UI proves nobody's name",
            f"promote as a reviewer: `rlhf promote {version} --approver NAME`, or in MLflow the tag "
            f"approve = '{version} NAME' on the page of {tracker.name}",
        )
