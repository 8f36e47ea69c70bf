"""What a gate answers, and the forms of answer that many gates share."""

from __future__ import annotations

from dataclasses import dataclass

from components.evaluation.intervals import number

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


def interval_above(
    name: str, what: str, interval: tuple[Measured, Measured, Measured], least: float
) -> GateResult:
    value, lower, upper = map(number, interval)
    if value is None or lower is None or upper is None:
        return unmeasured(name, f"{what}, or an end of its interval,", lower, least)
    passed = lower > least
    reason = f"{what}, {value:.3f} [{lower:.3f}, {upper:.3f}], {is_or_not(passed)} wholly above {least:.3f}."
    return GateResult(name, passed, reason, lower, least)


def within(name: str, what: str, value: Measured, most: float, form: str = "{:.2%}") -> GateResult:
    """A figure is at most so much. Args: form: how a person reads it."""
    value = number(value)
    if value is None:
        return unmeasured(name, what, value, most)
    passed = value <= most
    reason = f"{what}, {form.format(value)}, {is_or_not(passed)} within the {form.format(most)} allowed."
    return GateResult(name, passed, reason, value, most)


def unmeasured(name: str, what: str, measured: Measured, threshold: Measured) -> GateResult:
    return GateResult(name, False, f"{what} is missing or not a finite number.", measured, threshold)


def is_or_not(passed: bool) -> str:
    return "is" if passed else "is not"


def at_most_times(
    name: str, what: str, values: tuple[Measured, Measured], most_ratio: float, form: str, unseen: float = 0.0
) -> GateResult:
    """The policy's figure is at most so many times the SFT model's.

    Args:
        values: of the policy and of the SFT model.
        form: how a person reads it, such as "{:.1f} words".
        unseen: what nobody sees: a smaller figure of the SFT model's counts as this.
    """
    policy, sft = map(number, values)
    if policy is None or sft is None or max(sft, unseen) <= 0:
        return unmeasured(name, f"{what}, or the SFT model's,", policy, None)
    most = most_ratio * max(sft, unseen)
    passed = policy <= most
    told = f"{form.format(policy)} (SFT model: {form.format(sft)})"
    reason = f"{what}, {told}, {is_or_not(passed)} within the {form.format(most)} allowed."
    return GateResult(name, passed, reason, policy, most)


def at_least_times(name: str, what: str, values: tuple[Measured, Measured], least_ratio: float) -> GateResult:
    """The policy's figure is at least so many times the SFT model's, which must have some. Args: values: of either."""
    policy, sft = map(number, values)
    if policy is None or sft is None or sft <= 0:
        return unmeasured(name, f"{what}, or a figure above zero of the SFT model's,", policy, None)
    least = least_ratio * sft
    passed = policy >= least
    reason = f"{what}, {policy:.3f} (SFT model: {sft:.3f}), {is_or_not(passed)} at least {least:.3f}."
    return GateResult(name, passed, reason, policy, least)
