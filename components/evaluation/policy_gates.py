"""Gates on whether the policy is better, and how it came to be."""

from __future__ import annotations

from components.evaluation.figures import Figures
from components.evaluation.gate_result import (
    GateResult,
    Measured,
    interval_above,
    is_or_not,
    unmeasured,
)
from components.evaluation.intervals import number
from components.evaluation.win_slices import LEAST_PROMPTS

_NAMED = {"sft": "SFT model"}
#: A divergence is never negative. Its estimate may be, by chance; below this, the measurement is broken.
LOWEST_SEQUENCE_KL = -1.0


def win_rate_gate(value: Measured, lower: Measured, upper: Measured, least: float) -> GateResult:
    """The judge prefers the policy's answers to the SFT model's: the whole interval lies above `least`."""
    what = "The win rate against the SFT model, by the judge that PPO never saw"
    return interval_above("win_rate", what, (value, lower, upper), least)


def length_controlled_gate(value: Measured, lower: Measured, upper: Measured, least: float) -> GateResult:
    """At equal length too, the judge prefers the policy's answers to the SFT model's."""
    what = "The win rate against the SFT model at equal length"
    return interval_above("length_controlled_win_rate", what, (value, lower, upper), least)


def slices_gate(policy: Figures, most_loss: float, confidence: float) -> GateResult:
    """Nowhere among the prompts is the policy worse than the champion, or than the SFT model where there is none.

    Args:
        most_loss: how far the win rate of a slice may lie below one half. One that lies below that counts only where
            chance is ruled out, after Holm's correction for all slices: with many of them, one is always below.
    """
    name, opponent = "slices", policy.text("slices_vs")
    slices = {
        f"{key} {group}": found
        for key, groups in policy.families("slices").items()
        for group, found in groups.items()
    }
    least, rates = 0.5 - most_loss, [found.get("win_rate") for found in slices.values()]
    known = [rate for rate in rates if rate is not None]
    tested = [each.get("p_worse_holm") is not None for each in slices.values()]
    untested = [each for each, is_tested in zip(slices.values(), tested, strict=True) if not is_tested]
    if not any(tested) or opponent is None or len(known) < len(rates) or not all(map(_is_small, untested)):
        return unmeasured(name, "The win rate by slice, or its p-value,", None, least)
    worse = [label for label, found in slices.items() if _is_worse(found, least, 1 - confidence)]
    where = f"{len(worse)}: {', '.join(worse)}" if worse else "none"
    told = f"Of {len(slices)} slices of the prompts, the policy is clearly worse than the"
    reason = f"{told} {_NAMED.get(opponent, opponent)} in {where}."
    return GateResult(name, not worse, reason, min(known), least)


def _is_small(found: Figures) -> bool:
    """Too few prompts to be tested: the only reason not to be."""
    prompts = found.get("prompts")
    return prompts is not None and prompts < LEAST_PROMPTS


def _is_worse(found: Figures, least: float, alpha: float) -> bool:
    rate, p_value = found.get("win_rate"), found.get("p_worse_holm")
    return rate is not None and rate < least and p_value is not None and p_value <= alpha


def champion_gate(champion: Figures, policy: Figures, least: float) -> GateResult:
    """The judge prefers the policy's answers to those of the model in production, if there is one."""
    name, what = "champion", "The win rate against the champion, by the judge that PPO never saw"
    if champion.says("exists") is None:
        told = "Whether a model is in production that it must beat is unknown: the registry did not say."
        return GateResult(name, False, told, None, least)
    if champion.says("exists") is False:
        return GateResult(name, True, "No model is in production yet that it must beat.", None, None)
    return interval_above(name, what, policy.interval("win_rate_vs_champion"), least)


def sequence_kl_gate(sequence_kl: Measured, most: float) -> GateResult:
    """The policy stayed where the reward model was taught what people like.

    Args:
        sequence_kl: mean over answers of the summed KL to the SFT model, in nats.
    """
    name, what, kl = "sequence_kl", "The policy's mean KL from the SFT model", number(sequence_kl)
    if kl is None:
        return unmeasured(name, what, kl, most)
    if kl < LOWEST_SEQUENCE_KL:
        reason = f"{what} was measured as {kl:.2f} nats, which cannot be: a divergence is not negative."
        return GateResult(name, False, reason, kl, most)
    passed = kl <= most
    reason = f"{what}, {kl:.2f} nats an answer, {is_or_not(passed)} within the budget of {most:.2f}."
    return GateResult(name, passed, reason, kl, most)


def over_optimisation_gate(selection: Figures, sequence_kl: Measured, most_kl: float) -> GateResult:
    """No policy that PPO passed on its way to the candidate is clearly better, by the judge.

    Far from what it was taught the judge is as easily pleased as the reward model: where the candidate is beyond the
    budget of KL, the best within it is offered, whatever the judge says of the candidate.

    Args:
        selection: the section of metrics.json (over_optimisation.Selection).
        sequence_kl: of the candidate, in nats; where it was not measured, `sequence_kl_gate` fails.
    """
    name, what = "over_optimisation", "Which of PPO's policies the judge likes best"
    chosen, best, peak = (selection.get(key) for key in ("chosen", "best", "peak"))
    value, lower, upper = selection.interval("peak_beats_chosen")
    if None in (chosen, best, peak, value, lower, upper) or lower is None:
        return unmeasured(name, what, lower, 0.5)
    moved = number(sequence_kl)
    if moved is not None and moved > most_kl and chosen != best:
        far = f"The candidate, after iteration {chosen:.0f}, moved {moved:.0f} nats"
        offer = f"`select.by: judge` takes the policy after iteration {best:.0f}"
        reason = f"{far}: beyond {most_kl:.0f} its judge is not to be believed; {offer}."
        return GateResult(name, False, reason, moved, most_kl)
    if chosen == peak:
        reason = (
            f"Of the policies up to the candidate, after iteration {chosen:.0f}, the judge likes it best."
        )
        return GateResult(name, True, reason, lower, 0.5)
    passed = lower <= 0.5
    share = f"{value:.1%} [{lower:.1%}, {upper:.1%}] of the prompts"
    better = "not clearly better" if passed else "clearly better"
    which = f"the policy after iteration {peak:.0f}, its best so far," if peak else "the SFT model"
    held = f"{which} is {better} than the candidate"
    offer = "" if passed else f"; `select.by: judge` takes that after iteration {best:.0f}"
    reason = f"By the judge, {held}, after iteration {chosen:.0f} ({share}){offer}."
    return GateResult(name, passed, reason, lower, 0.5)
