"""What second opinions come to: win rates with intervals, and how far they agree with the judge model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.evaluation.intervals import Bootstrap, mean_over_prompts
from components.evaluation.length_control import length_controlled_win_rate
from components.evaluation.opinions.pairs import Pair

#: In every file of opinions, for whoever finds it by itself.
NOTE = "Additional evidence: no gate reads it, and no model learns from it."


@dataclass(frozen=True)
class Opinion:
    """What became of one pair.

    Attributes:
        outcome: of the candidate, in [0, 1]: 1 won, 0 lost, a half for a tie.
        first, decided: of the judgements that were no tie (`decided`), how many were for the answer shown first.
    """

    pair: Pair
    outcome: float
    first: int = 0
    decided: int = 0


def opinion_figures(opinions: Sequence[Opinion], bootstrap: Bootstrap) -> dict[str, Any]:
    """`win_rate`, `length_controlled`, `judge_win_rate` (the judge model's, of these pairs), `first_shown` (share of
    decided judgements for the answer shown first; one half without position bias), and `agreement_with_judge` (of the
    pairs that both decide, the share on which they agree), each with `_ci`; `decided_by_both` counts those pairs.
    """
    outcomes = np.array([each.outcome for each in opinions])
    by_judge = np.array([each.pair.judge_outcome for each in opinions])
    lengths = [len(each.pair.candidate) - len(each.pair.opponent) for each in opinions]
    both = (outcomes != 0.5) & (by_judge != 0.5)
    agree = ((outcomes > 0.5) == (by_judge > 0.5))[both].astype(float)
    return {
        "prompts": len(opinions),
        **share(outcomes, "win_rate", bootstrap),
        **length_controlled_win_rate(outcomes, lengths, bootstrap).figures("length_controlled"),
        **share(by_judge, "judge_win_rate", bootstrap),
        **_first_shown(opinions, bootstrap),
        **share(agree, "agreement_with_judge", bootstrap),
        "decided_by_both": int(both.sum()),
    }


def share(values: Any, name: str, bootstrap: Bootstrap) -> dict[str, Any]:
    """The mean of one value in [0, 1] a prompt, with its interval; nulls of none."""
    array = np.asarray(values, dtype=np.float64)
    return mean_over_prompts(array, np.ones_like(array), bootstrap).figures(name)


def _first_shown(opinions: Sequence[Opinion], bootstrap: Bootstrap) -> dict[str, Any]:
    decided = [each for each in opinions if each.decided]
    totals, weights = (
        np.array([getattr(each, name) for each in decided], dtype=np.float64) for name in ("first", "decided")
    )
    return mean_over_prompts(totals, weights, bootstrap).figures("first_shown")
