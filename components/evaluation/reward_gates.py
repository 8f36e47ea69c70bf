"""Gates on what scores the answers: a policy can be no better than its reward model knows."""

from __future__ import annotations

from typing import Literal

from components.evaluation.gate_result import (
    GateResult,
    Measured,
    at_most_times,
    interval_above,
    unmeasured,
    within,
)
from components.evaluation.intervals import number

Scorer = Literal["reward", "judge"]
_NAMES: dict[Scorer, str] = {"reward": "reward model", "judge": "judge"}


def accuracy_gate(
    scorer: Scorer, value: Measured, lower: Measured, upper: Measured, least: float
) -> GateResult:
    """Who scores answers has learned something: the whole interval of its accuracy lies above `least`."""
    what = f"The {_NAMES[scorer]}'s accuracy on held-out pairs"
    return interval_above(f"{scorer}_accuracy", what, (value, lower, upper), least)


def beats_length_gate(
    scorer: Scorer, value: Measured, lower: Measured, upper: Measured, longer_wins: Measured
) -> GateResult:
    """It has learned more than that people like long answers, or short ones: the interval lies wholly above that."""
    name, what = f"{scorer}_beats_length", f"The {_NAMES[scorer]}'s accuracy on held-out pairs"
    share = number(longer_wins)
    if share is None:
        return unmeasured(name, "The accuracy of preferring the longer answer", number(lower), share)
    # Answers of equal length count half either way, so preferring the shorter one is right the rest of the time.
    rule = "longer" if share >= 0.5 else "shorter"
    against = f"{what}, against that of preferring the {rule} answer"
    return interval_above(name, against, (value, lower, upper), max(share, 1 - share))


def calibration_gate(error: Measured, most: float) -> GateResult:
    """What the reward model calls likely is as likely as it says.

    Args:
        error: expected calibration error (Guo 2017) on held-out pairs, at the temperature fitted to other ones.
    """
    what = "The reward model's calibration error on held-out pairs"
    return within("calibration", what, error, most, "{:.3f}")


def disagreement_gate(members: Measured, policy: Measured, sft: Measured, most_ratio: float) -> GateResult:
    """The policy stayed where the reward models know what they say: they agree on its answers as on the SFT model's.

    Args:
        members: how many reward models there are; one alone cannot disagree.
        policy, sft: mean standard deviation of their scores of each model's answers.
    """
    name, what = "disagreement", "The reward models' disagreement on the policy's answers"
    members = number(members)
    if members == 1:
        return GateResult(
            name, True, "One reward model alone scores the answers: nobody to disagree.", None, None
        )
    if members is None:
        return unmeasured(name, "The number of reward models", None, None)
    return at_most_times(name, what, (policy, sft), most_ratio, "{:.3f}")
