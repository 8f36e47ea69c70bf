"""Flow `approve`: it shows a candidate, waits without a process for a reviewer's word, then does what that says.

Suspended, the run is only a row in Prefect's database. Resumed, it begins anew: it looks at the candidate
again, finds the answer, and goes on from there. So it may be killed anywhere and retried.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from prefect import State, flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.states import Completed
from pydantic import Field

from components.tracking.promotion import Promotion
from components.tracking.reviewing import Candidate, look_at_candidate, record_answer, refuse_incomplete
from components.tracking.tracker import connect
from flows.artifacts import cell
from flows.project import own_project
from flows.promote import promote_candidate, tell

#: A month: long enough for holidays. After it the run fails, and `rlhf ask` asks again.
PATIENCE_S = 30 * 24 * 3600


class Decision(RunInput):
    """The form behind "Resume" on the run's page."""

    decision: Literal["promote", "decline"] = Field(description="promote: it becomes the champion")
    approver: str = Field(min_length=1, description="Who answers for it: you; not who trained it")
    reason: str = Field(default="", description="Why; needed to decline")


@dataclass(frozen=True)
class Answer:
    """What a reviewer decided, as plain values."""

    declines: bool
    approver: str
    reason: str


@flow(name="approve")
def approve(candidate: int) -> Promotion | State[str]:
    """Ask a reviewer about a candidate, by the rules of `rlhf promote`.

    Returns:
        What was promoted; a decline ends in the state Declined.

    Raises:
        PromotionRefusedError: what `rlhf promote` would refuse, a decline without a reason, or a server with roles.
    """
    root = own_project()
    shown = show_candidate(root, str(candidate))
    answer = _wait_for_answer(shown)
    refuse_incomplete(answer.approver, answer.reason, declines=answer.declines)
    if answer.declines:
        return Completed(name="Declined", message=decline_candidate(root, shown, answer))
    done = promote_candidate(root, shown.version, answer.approver, shown.digest)
    record(root, shown.version, f"promoted as version {done.version} of {done.model}, by {answer.approver}")
    return tell(done)


@task(cache_policy=NO_CACHE)
def show_candidate(root: Path, version: str) -> Candidate:
    """What there is to decide on, on the run's page. Refused before anybody is asked: what cannot be promoted."""
    candidate = look_at_candidate(connect(root), version)
    create_markdown_artifact(_page(candidate), key="candidate")
    return candidate


@task(cache_policy=NO_CACHE)
def decline_candidate(root: Path, shown: Candidate, answer: Answer) -> str:
    """Nothing changes but what the candidate's page in MLflow tells."""
    told = f"declined by {answer.approver.strip()}: {answer.reason.strip()}"
    record_answer(connect(root), shown.version, told)
    return told


@task(cache_policy=NO_CACHE)
def record(root: Path, version: str, answer: str) -> None:
    record_answer(connect(root), version, answer)


def _wait_for_answer(shown: Candidate) -> Answer:
    # The answer is kept under what was shown: should other files lie there by now, it is asked for anew.
    given = suspend_flow_run(
        wait_for_input=Decision.with_initial_data(description=_page(shown)),
        key=f"candidate-{shown.version}-{shown.digest}",
        timeout=PATIENCE_S,
    )
    return Answer(given.decision == "decline", given.approver, given.reason)


def _page(shown: Candidate) -> str:
    replaced = f"version {shown.champion}" if shown.champion else "nothing: there is no champion yet"
    return "\n\n".join(
        [
            f"**{cell(shown.name)} version {cell(shown.version)}**, trained by {cell(shown.author)}",
            cell(shown.description),
            f"It would replace {replaced}. Its report, `evaluation/report.html`, lies with its files in MLflow.",
            f"SHA-256 {cell(shown.digest[:12])}... (the run's tag has it whole)",
        ]
    )
