"""A week: files arrive, the engineer decides, the pipeline retrains by itself, the reviewer reads and acts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.quarter.batches import write_week
from benchmarks.quarter.ledger import Ledger
from benchmarks.quarter.team import REVIEWER, Team, wait_for
from benchmarks.quarter.weeks import Week

ENGINEER = "grace"


class Life:
    """Lives the weeks, and keeps the ledger of them."""

    def __init__(self, team: Team, files: Path, seed: int) -> None:
        self.team, self.files, self.seed = team, files, seed
        self.ledger = Ledger()
        self._batch_of: dict[int, str] = {}

    def live(self, number: int, week: Week) -> str:
        """Live a week; what happened in it, in a line."""
        happened = [self._arrive(number, kind) for kind in [week.kind, *(["honest"] if week.again else [])]]
        if week.decision:
            happened.append(self._decide(number, week.decision))
        if week.withdraws:
            happened.append(self._withdraw(week.withdraws))
        happened.append(self._learn())
        happened.append(self._review(week.review))
        return "; ".join(filter(None, happened))

    def _arrive(self, number: int, kind: str) -> str:
        results = self.team.deliver(write_week(self.files, number, kind, self.seed))
        for result in results:
            self._note(number, result)
        return ", ".join(f"{result['batch']} {result['status']}" for result in results)

    def _note(self, number: int, result: dict[str, Any]) -> None:
        room = {
            "accepted": self.ledger.at_hand,
            "held": self.ledger.held,
            "rejected": self.ledger.rejected,
        }[result["status"]]
        room.add(result["batch"])
        self._batch_of.setdefault(number, result["batch"])

    def _decide(self, number: int, decision: str) -> str:
        batch = self._batch_of[number]
        self.team.rlhf("feedback", decision, batch, "--why", f"{ENGINEER} looked at it")
        if decision == "release":
            self.ledger.at_hand.add(batch)
        return f"{decision}d"

    def _withdraw(self, number: int) -> str:
        batch = self._batch_of[number]
        self.team.rlhf("feedback", "withdraw", batch, "--why", "the people take it back")
        self.ledger.at_hand.discard(batch)
        self.ledger.withdrawn.add(batch)
        return f"{batch} withdrawn"

    def _learn(self) -> str:
        """Wait until a candidate has learned from what is at hand; nothing is asked for, the pipeline sees to it."""
        known = self.ledger.learned

        def learned() -> dict[str, Any] | None:
            candidate = self.team.candidate()
            up_to_date = candidate is not None and set(candidate["feedback_batches"]) == self.ledger.at_hand
            return candidate if up_to_date else None

        candidate = wait_for(learned, f"a candidate that learned from {sorted(self.ledger.at_hand)}")
        if candidate["version"] in known:
            return ""
        known[candidate["version"]] = set(self.ledger.at_hand)
        return f"candidate {candidate['version']} {candidate['verdict']} {' '.join(candidate['reasons'])}".strip()

    def _review(self, review: str) -> str:
        candidate = max(self.ledger.learned, key=int)
        if review == "promote":
            self.team.rlhf("promote", candidate, "--approver", REVIEWER)
            self.ledger.acts.append(("promote", candidate))
            return f"candidate {candidate} promoted"
        if review == "approve":
            self.team.promote_by_tag(candidate)
            self.ledger.acts.append(("promote", candidate))
            return f"candidate {candidate} approved in MLflow and promoted"
        if review == "rollback":
            self.team.rlhf("rollback", "--approver", REVIEWER)
            self.ledger.acts.append(("rollback", self.ledger.acts[-2][1]))
            return f"rolled back to candidate {self.ledger.acts[-1][1]}"
        return ""
