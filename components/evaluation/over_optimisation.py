"""Where a policy began to please its reward model and nobody else (Gao 2023, 2210.10760).

Policies kept along a run are held against a judge that the run never saw; the distance they moved is told as the
square root of the KL, in which Gao's curves are smooth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from components.evaluation.intervals import Bootstrap
from components.evaluation.win_rate import WinRate, win_rate


@dataclass(frozen=True)
class Snapshot:
    """A policy of the run on held-out prompts.

    Attributes:
        iteration: after which it was kept; 0 is the SFT model.
        sequence_kl: nats an answer from the SFT model.
        proxy, judge, gold: [prompts] scores by the reward model of the run, by the judge, and the true utility where
            the feedback is simulated.
    """

    iteration: int
    sequence_kl: float
    proxy: Sequence[float]
    judge: Sequence[float]
    gold: Sequence[float] | None

    @property
    def distance(self) -> float:
        """Square root of the KL; an estimate below zero counts as zero."""
        return float(np.sqrt(max(0.0, self.sequence_kl)))


@dataclass(frozen=True)
class Selection:
    """The course of a run, and which of its policies is the candidate.

    Attributes:
        snapshots: in the order of their iterations, the SFT model first.
        chosen: iteration of the candidate; best: of the policy to offer, which may be the same.
        peak: of the policy, up to the candidate, that the judge likes best; 0 is the SFT model.
        last: of the last policy.
        peak_beats_chosen: how often that one beats the candidate, by the judge.
    """

    snapshots: tuple[Snapshot, ...]
    chosen: int
    best: int
    peak: int
    last: int
    peak_beats_chosen: WinRate

    def figures(self) -> dict[str, Any]:
        """The section "selection" of reports/metrics.json."""
        return {
            "chosen": self.chosen,
            "best": self.best,
            "peak": self.peak,
            "last": self.last,
            **self.peak_beats_chosen.figures("peak_beats_chosen"),
            "course": [_point(snapshot) for snapshot in self.snapshots],
        }


def select(snapshots: Sequence[Snapshot], by_judge: bool, most_kl: float, bootstrap: Bootstrap) -> Selection:
    """Pick the candidate: the best policy, or the last.

    The best is what the judge likes best on average, of equals the earliest, among the policies within the budget of
    KL: a judge too knows only the neighbourhood of what it was taught, and beyond it is as easily pleased as the
    reward model. Where none is within, it is the one that moved least.

    Args:
        snapshots: the SFT model first, which is never picked, and at least one policy.
        most_kl: the budget, in nats an answer.

    Raises:
        ValueError: there is no policy.
    """
    policies = snapshots[1:]
    if not policies:
        raise ValueError("no policy was kept to choose from")
    best, last = _best(policies, most_kl), policies[-1]
    chosen = best if by_judge else last
    peak = max((each for each in snapshots if each.iteration <= chosen.iteration), key=_liking)
    return Selection(
        snapshots=tuple(snapshots),
        chosen=chosen.iteration,
        best=best.iteration,
        peak=peak.iteration,
        last=last.iteration,
        peak_beats_chosen=win_rate(peak.judge, chosen.judge, bootstrap),
    )


def _best(policies: Sequence[Snapshot], most_kl: float) -> Snapshot:
    near = [each for each in policies if each.sequence_kl <= most_kl]
    return max(near, key=_liking) if near else min(policies, key=lambda each: each.sequence_kl)


def _liking(snapshot: Snapshot) -> float:
    return fmean(snapshot.judge)


def _point(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "iteration": snapshot.iteration,
        "sequence_kl": snapshot.sequence_kl,
        "distance": snapshot.distance,
        "proxy": fmean(snapshot.proxy),
        "judge": fmean(snapshot.judge),
        "gold": None if snapshot.gold is None else fmean(snapshot.gold),
    }
