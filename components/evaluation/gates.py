"""What a candidate must meet before a reviewer sees READY.

Each gate is a pure function of measured numbers. A number that is missing or is not finite fails its gate:
what was not measured was not met.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from components.config import GateParams
from components.evaluation.figures import Figures
from components.evaluation.intervals import number

#: Repeating one part in a hundred is nothing a reader sees; ratios of smaller figures are ratios of noise.
UNSEEN_REPETITION = 0.01
#: A divergence is never negative. Its estimate may be, by chance; below this, the measurement is broken.
LOWEST_SEQUENCE_KL = -1.0

Measured = float | None


@dataclass(frozen=True)
class GateResult:
    """One gate's answer.

    Attributes:
        reason: a full sentence for the reviewer, with the numbers.
        measured: what was held against `threshold`; None where it was missing or not finite.
        threshold: None where it follows from a figure that is missing.
    """

    name: str
    passed: bool
    reason: str
    measured: float | None
    threshold: float | None


@dataclass(frozen=True)
class Verdict:
    """All gates of a candidate, and READY where every one passed, else BLOCKED."""

    gates: tuple[GateResult, ...]

    @property
    def verdict(self) -> str:
        return "READY" if self.gates and all(gate.passed for gate in self.gates) else "BLOCKED"

    def to_json(self) -> dict[str, Any]:
        """What reports/gates.json holds."""
        return {"verdict": self.verdict, "gates": [asdict(gate) for gate in self.gates]}


def judge_candidate(metrics: Mapping[str, Any], params: GateParams) -> Verdict:
    """Hold the figures of reports/metrics.json against the thresholds of params.yaml."""
    reward, policy, sft = (Figures(metrics.get(name)) for name in ("reward_model", "policy", "sft"))
    wins, accuracy = policy.interval("win_rate_vs_sft"), reward.interval("accuracy")
    gates = (
        win_rate_gate(*wins, params.min_win_rate_lower),
        sequence_kl_gate(policy.get("sequence_kl"), params.max_sequence_kl),
        reward_accuracy_gate(*accuracy, params.min_reward_accuracy_lower),
        reward_beats_length_gate(*accuracy, reward.get("longer_wins_accuracy")),
        empty_answers_gate(policy.get("empty_share"), params.max_empty_share),
        truncated_answers_gate(policy.get("truncated_share"), params.max_truncated_share),
        repetition_gate(policy.get("repetition"), sft.get("repetition"), params.max_repetition_ratio),
        equal_answers_gate(policy.get("answers"), sft.get("answers")),
        distinct_2_gate(policy.get("distinct_2"), sft.get("distinct_2"), params.min_distinct_2_ratio),
    )
    return Verdict(gates)


def win_rate_gate(value: Measured, lower: Measured, upper: Measured, least: float) -> GateResult:
    """The judge prefers the policy's answers to the SFT model's: the whole interval lies above `least`."""
    what = "The win rate against the SFT model, by the judge that PPO never saw"
    return _interval_above("win_rate", what, (value, lower, upper), least)


def reward_accuracy_gate(value: Measured, lower: Measured, upper: Measured, least: float) -> GateResult:
    """The reward model has learned something: its accuracy's whole interval lies above `least`."""
    return _interval_above(
        "reward_accuracy", "The reward model's accuracy on held-out pairs", (value, lower, upper), least
    )


def reward_beats_length_gate(
    value: Measured, lower: Measured, upper: Measured, longer_wins: Measured
) -> GateResult:
    """The reward model has learned more than that people like long answers: the whole interval lies above that."""
    name, what = "reward_beats_length", "The reward model's accuracy on held-out pairs"
    baseline = number(longer_wins)
    if baseline is None:
        return _unmeasured(name, "The accuracy of preferring the longer answer", number(lower), baseline)
    against = f"{what}, against that of preferring the longer answer"
    return _interval_above(name, against, (value, lower, upper), baseline)


def sequence_kl_gate(sequence_kl: Measured, most: float) -> GateResult:
    """The policy stayed where the reward model was taught what people like.

    Args:
        sequence_kl: mean over answers of the summed KL to the SFT model, in nats.
    """
    name, what, kl = "sequence_kl", "The policy's mean KL from the SFT model", number(sequence_kl)
    if kl is None:
        return _unmeasured(name, what, kl, most)
    if kl < LOWEST_SEQUENCE_KL:
        reason = f"{what} was measured as {kl:.2f} nats, which cannot be: a divergence is not negative."
        return GateResult(name, False, reason, kl, most)
    passed = kl <= most
    reason = f"{what}, {kl:.2f} nats an answer, {_is(passed)} within the budget of {most:.2f}."
    return GateResult(name, passed, reason, kl, most)


def empty_answers_gate(share: Measured, most: float) -> GateResult:
    """The policy says something."""
    return _share_within("empty_answers", "The share of the policy's answers that are empty", share, most)


def truncated_answers_gate(share: Measured, most: float) -> GateResult:
    """The policy ends its answers itself."""
    what = "The share of the policy's answers that were cut off by length"
    return _share_within("truncated_answers", what, share, most)


def repetition_gate(policy: Measured, sft: Measured, most_ratio: float) -> GateResult:
    """The policy repeats itself little more than the SFT model does, or too little for a reader to see."""
    name, what = "repetition", "The share of repeated 4-grams in the policy's answers"
    policy, sft = number(policy), number(sft)
    if policy is None or sft is None:
        return _unmeasured(name, f"{what}, or in the SFT model's,", policy, None)
    most = most_ratio * max(sft, UNSEEN_REPETITION)
    passed = policy <= most
    reason = f"{what}, {policy:.2%} (SFT model: {sft:.2%}), {_is(passed)} within the {most:.2%} allowed."
    return GateResult(name, passed, reason, policy, most)


def equal_answers_gate(policy: Measured, sft: Measured) -> GateResult:
    """Variety falls as answers are added: it was measured on as many answers of one model as of the other."""
    name, what = "equal_answers", "The number of answers by the policy, or by the SFT model,"
    policy, sft = number(policy), number(sft)
    if policy is None or sft is None:
        return _unmeasured(name, what, policy, sft)
    passed = policy == sft and policy > 0
    how = "equally many, so their variety compares" if passed else "so their variety does not compare"
    reason = f"Measured were {policy:.0f} answers by the policy and {sft:.0f} by the SFT model: {how}."
    return GateResult(name, passed, reason, policy, sft)


def distinct_2_gate(policy: Measured, sft: Measured, least_ratio: float) -> GateResult:
    """The policy's answers vary nearly as much as the SFT model's."""
    name, what = "distinct_2", "The share of distinct word pairs in the policy's answers"
    policy, sft = number(policy), number(sft)
    if policy is None or sft is None or sft <= 0:
        return _unmeasured(name, f"{what}, or in the SFT model's,", policy, None)
    least = least_ratio * sft
    passed = policy >= least
    reason = f"{what}, {policy:.3f} (SFT model: {sft:.3f}), {_is(passed)} at least {least:.3f}."
    return GateResult(name, passed, reason, policy, least)


def _interval_above(
    name: str, what: str, interval: tuple[Measured, Measured, Measured], least: float
) -> GateResult:
    value, lower, upper = map(number, interval)
    if value is None or lower is None or upper is None:
        return _unmeasured(name, f"{what}, or an end of its interval,", lower, least)
    passed = lower > least
    reason = f"{what}, {value:.3f} [{lower:.3f}, {upper:.3f}], {_is(passed)} wholly above {least:.3f}."
    return GateResult(name, passed, reason, lower, least)


def _share_within(name: str, what: str, share: Measured, most: float) -> GateResult:
    share = number(share)
    if share is None:
        return _unmeasured(name, what, share, most)
    passed = share <= most
    reason = f"{what}, {share:.2%}, {_is(passed)} within the {most:.2%} allowed."
    return GateResult(name, passed, reason, share, most)


def _unmeasured(name: str, what: str, measured: Measured, threshold: Measured) -> GateResult:
    return GateResult(name, False, f"{what} is missing or not a finite number.", measured, threshold)


def _is(passed: bool) -> str:
    return "is" if passed else "is not"
