"""What a candidate must meet before a reviewer sees READY.

Each gate is a pure function of measured numbers. A number that is missing or is not finite fails its gate:
what was not measured was not met.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from components.config import GateParams
from components.evaluation import policy_gates, reward_gates, text_gates
from components.evaluation.figures import Figures
from components.evaluation.gate_result import GateResult


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
    found = {name: Figures(metrics.get(name)) for name in _SECTIONS}
    return Verdict((*_of_the_policy(found, params), *_of_rewards(found, params), *_of_texts(found, params)))


_SECTIONS = ("reward_model", "judge", "policy", "sft", "champion", "selection", "data")


def _of_the_policy(found: Mapping[str, Figures], params: GateParams) -> tuple[GateResult, ...]:
    policy = found["policy"]
    return (
        policy_gates.win_rate_gate(*policy.interval("win_rate_vs_sft"), params.min_win_rate_lower),
        policy_gates.length_controlled_gate(
            *policy.interval("length_controlled_vs_sft"), params.min_win_rate_lower
        ),
        policy_gates.champion_gate(found["champion"], policy, params.min_champion_win_rate_lower),
        policy_gates.slices_gate(policy, params.max_slice_loss, params.slice_confidence),
        policy_gates.over_optimisation_gate(
            found["selection"], policy.get("sequence_kl"), params.max_sequence_kl
        ),
        policy_gates.sequence_kl_gate(policy.get("sequence_kl"), params.max_sequence_kl),
    )


def _of_rewards(found: Mapping[str, Figures], params: GateParams) -> tuple[GateResult, ...]:
    reward, judge, policy, sft = (found[name] for name in ("reward_model", "judge", "policy", "sft"))
    disagreements = (policy.get("reward_disagreement"), sft.get("reward_disagreement"))
    return (
        *_of_scorer("reward", reward, params.min_reward_accuracy_lower),
        *_of_scorer("judge", judge, params.min_judge_accuracy_lower),
        reward_gates.calibration_gate(reward.get("calibrated_ece"), params.max_calibration_error),
        reward_gates.disagreement_gate(reward.get("members"), *disagreements, params.max_disagreement_ratio),
    )


def _of_scorer(scorer: reward_gates.Scorer, figures: Figures, least: float) -> tuple[GateResult, ...]:
    accuracy = figures.interval("accuracy")
    return (
        reward_gates.accuracy_gate(scorer, *accuracy, least),
        reward_gates.beats_length_gate(scorer, *accuracy, figures.get("longer_wins_accuracy")),
    )


def _of_texts(found: Mapping[str, Figures], params: GateParams) -> tuple[GateResult, ...]:
    policy, sft = found["policy"], found["sft"]

    def both(name: str) -> tuple[float | None, float | None]:
        return policy.get(name), sft.get(name)

    return (
        text_gates.length_gate(*both("mean_words"), params.max_length_ratio),
        text_gates.length_in_characters_gate(*both("mean_characters"), params.max_character_ratio),
        text_gates.empty_answers_gate(policy.get("empty_share"), params.max_empty_share),
        text_gates.truncated_answers_gate(policy.get("truncated_share"), params.max_truncated_share),
        text_gates.repetition_gate(*both("repetition"), params.max_repetition_ratio),
        text_gates.copied_gate(*both("copied_share"), params.max_copied_ratio),
        text_gates.relevance_gate(*both("relevance"), params.min_relevance_ratio),
        text_gates.new_phrase_gate(
            policy.get("new_phrase_share"), policy.text("new_phrase"), params.max_new_phrase_share
        ),
        text_gates.planted_phrase_gate(
            policy.get("planted_phrase_share"), policy.text("planted_phrase"), params.max_planted_phrase_share
        ),
        text_gates.leaked_gate(found["data"].get("leaked_share"), params.max_leaked_share),
        text_gates.equal_answers_gate(*both("answers")),
        text_gates.distinct_2_gate(*both("distinct_2"), params.min_distinct_2_ratio),
    )
