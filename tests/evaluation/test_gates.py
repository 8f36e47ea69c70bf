"""Each gate: passes, fails, and fails when its number is missing or is none."""

from __future__ import annotations

import copy
import json
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_case import GATES, metrics

from components.evaluation.figures import Figures
from components.evaluation.gate_result import GateResult
from components.evaluation.gates import Verdict, judge_candidate
from components.evaluation.policy_gates import over_optimisation_gate, sequence_kl_gate, win_rate_gate
from components.evaluation.text_gates import repetition_gate

#: gate, section and figure it reads, a value at the edge that passes, one that fails
CASES = [
    ("win_rate", "policy", "win_rate_vs_sft_ci", [0.5001, 0.9], [0.5, 0.9]),
    ("length_controlled_win_rate", "policy", "length_controlled_vs_sft_ci", [0.5001, 0.9], [0.5, 0.9]),
    ("champion", "policy", "win_rate_vs_champion_ci", [0.5001, 0.9], [0.5, 0.9]),
    ("over_optimisation", "selection", "peak_beats_chosen_ci", [0.5, 0.9], [0.5001, 0.9]),
    ("sequence_kl", "policy", "sequence_kl", 10.0, 10.01),
    ("reward_accuracy", "reward_model", "accuracy_ci", [0.5001, 0.9], [0.5, 0.9]),
    ("reward_beats_length", "reward_model", "accuracy_ci", [0.6121, 0.9], [0.612, 0.9]),
    ("judge_accuracy", "judge", "accuracy_ci", [0.6121, 0.9], [0.5, 0.9]),
    ("judge_beats_length", "judge", "accuracy_ci", [0.6121, 0.9], [0.612, 0.9]),
    ("calibration", "reward_model", "calibrated_ece", 0.05, 0.051),
    ("disagreement", "policy", "reward_disagreement", 0.3, 0.301),
    ("length", "policy", "mean_words", 31.46, 31.5),
    ("length_in_characters", "policy", "mean_characters", 262.0, 262.1),
    ("empty_answers", "policy", "empty_share", 0.001, 0.0011),
    ("truncated_answers", "policy", "truncated_share", 0.05, 0.051),
    ("repetition", "policy", "repetition", 0.012, 0.0121),
    ("copied", "policy", "copied_share", 0.12, 0.121),
    ("relevance", "policy", "relevance", 0.1, 0.099),
    ("new_phrase", "policy", "new_phrase_share", 0.25, 0.251),
    ("planted_phrase", "policy", "planted_phrase_share", 0.01, 0.011),
    ("leaked_prompts", "data", "leaked_share", 0.01, 0.011),
    ("equal_answers", "policy", "answers", 200, 199),
    ("distinct_2", "policy", "distinct_2", 0.8 * 0.34, 0.2719),
]
#: every figure a gate reads, also beside the ones above
READ = [(gate, section, figure) for gate, section, figure, _, _ in CASES] + [
    ("win_rate", "policy", "win_rate_vs_sft"),
    ("reward_accuracy", "reward_model", "accuracy"),
    ("reward_beats_length", "reward_model", "accuracy"),
    ("reward_beats_length", "reward_model", "longer_wins_accuracy"),
    ("judge_accuracy", "judge", "accuracy"),
    ("judge_beats_length", "judge", "accuracy"),
    ("judge_beats_length", "judge", "longer_wins_accuracy"),
    ("champion", "policy", "win_rate_vs_champion"),
    ("over_optimisation", "selection", "chosen"),
    ("over_optimisation", "selection", "best"),
    ("over_optimisation", "selection", "peak"),
    ("over_optimisation", "selection", "peak_beats_chosen"),
    ("disagreement", "reward_model", "members"),
    ("disagreement", "sft", "reward_disagreement"),
    ("length", "sft", "mean_words"),
    ("length_in_characters", "sft", "mean_characters"),
    ("length_controlled_win_rate", "policy", "length_controlled_vs_sft"),
    ("copied", "sft", "copied_share"),
    ("relevance", "sft", "relevance"),
    ("repetition", "sft", "repetition"),
    ("equal_answers", "sft", "answers"),
    ("distinct_2", "sft", "distinct_2"),
]


def judged(section: str, figure: str, value: Any) -> Verdict:
    """The healthy run with one figure changed."""
    figures = copy.deepcopy(metrics())
    figures[section][figure] = value
    return judge_candidate(figures, GATES)


def gate_named(verdict: Verdict, name: str) -> GateResult:
    (gate,) = [gate for gate in verdict.gates if gate.name == name]
    return gate


def test_a_healthy_run_is_ready() -> None:
    verdict = judge_candidate(metrics(), GATES)
    assert verdict.verdict == "READY"
    names = [gate.name for gate in verdict.gates]
    assert [name for name in names if name != "slices"] == [case[0] for case in CASES]
    assert "slices" in names


@pytest.mark.parametrize(("name", "section", "figure", "passing", "failing"), CASES)
def test_each_gate_at_its_edge(name: str, section: str, figure: str, passing: Any, failing: Any) -> None:
    assert gate_named(judged(section, figure, passing), name).passed
    refused = judged(section, figure, failing)
    # An accuracy no better than a coin's is no better than length's either.
    also = [name.replace("accuracy", "beats_length")] if name.endswith("_accuracy") else []
    assert [gate.name for gate in refused.gates if not gate.passed] == [name, *also]
    assert refused.verdict == "BLOCKED"
    assert re.search(r" not | clearly ", gate_named(refused, name).reason)


@pytest.mark.parametrize(("name", "section", "figure"), READ)
@pytest.mark.parametrize("value", [None, math.nan, math.inf, "0.9", True, [None, None], [math.nan, 1.0]])
def test_what_is_no_number_fails_its_gate(name: str, section: str, figure: str, value: Any) -> None:
    gate = gate_named(judged(section, figure, value), name)
    assert not gate.passed
    assert gate.reason.endswith("missing or not a finite number.")


@pytest.mark.parametrize(("name", "section", "figure"), READ)
def test_what_is_missing_fails_its_gate(name: str, section: str, figure: str) -> None:
    figures = copy.deepcopy(metrics())
    del figures[section][figure]
    assert not gate_named(judge_candidate(figures, GATES), name).passed


@pytest.mark.parametrize("figures", [{}, {"policy": None}, {"policy": [], "sft": 3, "reward_model": "x"}])
def test_nothing_measured_fails_every_gate(figures: dict[str, Any]) -> None:
    verdict = judge_candidate(figures, GATES)
    assert not any(gate.passed for gate in verdict.gates)


def test_without_a_champion_there_is_none_to_beat() -> None:
    figures = metrics() | {"champion": {"exists": False}}
    assert gate_named(judge_candidate(figures, GATES), "champion").passed
    # Not to know whether there is one is another thing.
    for unknown in ({}, {"exists": None}, {"exists": 0}, None):
        assert not gate_named(judge_candidate(metrics() | {"champion": unknown}, GATES), "champion").passed


def test_one_reward_model_alone_has_nobody_to_disagree_with() -> None:
    figures = metrics()
    figures["reward_model"]["members"] = 1
    for section in ("policy", "sft"):
        figures[section]["reward_disagreement"] = None
    assert gate_named(judge_candidate(figures, GATES), "disagreement").passed


def test_a_candidate_behind_an_earlier_policy_is_refused_and_the_best_offered() -> None:
    section = {"chosen": 60, "best": 12, "peak": 24}
    behind = section | {"peak_beats_chosen": 0.7, "peak_beats_chosen_ci": [0.64, 0.76]}
    gate = over_optimisation_gate(Figures(behind), 3.0, 10.0)
    assert not gate.passed
    assert gate.reason == (
        "By the judge, the policy after iteration 24, its best so far, is clearly better than the candidate, after "
        "iteration 60 (70.0% [64.0%, 76.0%] of the prompts); `select.by: judge` takes that after iteration 12."
    )
    level_with_itself = section | {
        "chosen": 24,
        "peak_beats_chosen": 0.5,
        "peak_beats_chosen_ci": [0.42, 0.58],
    }
    assert over_optimisation_gate(Figures(level_with_itself), 3.0, 10.0).reason.endswith(
        "the judge likes it best."
    )
    level = section | {"peak_beats_chosen": 0.52, "peak_beats_chosen_ci": [0.47, 0.58]}
    assert over_optimisation_gate(Figures(level), 3.0, 10.0).passed


def test_beyond_the_budget_of_kl_the_judge_is_not_believed_and_the_best_within_is_offered() -> None:
    """As measured on a run of 60 iterations without KL penalty: the judge liked its end as much as any."""
    liked = {
        "chosen": 60,
        "best": 5,
        "peak": 60,
        "peak_beats_chosen": 0.5,
        "peak_beats_chosen_ci": [0.4, 0.6],
    }
    gate = over_optimisation_gate(Figures(liked), 322.5, 10.0)
    assert not gate.passed
    assert gate.reason == (
        "The candidate, after iteration 60, moved 322 nats: beyond 10 its judge is not to be believed; "
        "`select.by: judge` takes the policy after iteration 5."
    )
    assert over_optimisation_gate(Figures(liked), 10.0, 10.0).passed
    # Nothing better to offer: that it moved too far is another gate's to say.
    assert over_optimisation_gate(Figures(liked | {"best": 60}), 322.5, 10.0).passed


def in_slices(**figures: Any) -> GateResult:
    """The gate on slices, where one slice has these figures."""
    changed = metrics()
    changed["policy"]["slices"]["length"]["short"] |= figures
    return gate_named(judge_candidate(changed, GATES), "slices")


def test_a_slice_that_is_worse_beyond_chance_is_named() -> None:
    assert in_slices(win_rate=0.46, p_worse_holm=0.051).passed, "chance alone may do that"
    assert in_slices(win_rate=0.471, p_worse_holm=0.001).passed, "hardly worse"
    refused = in_slices(win_rate=0.469, p_worse_holm=0.05)
    assert not refused.passed
    assert refused.reason == (
        "Of 2 slices of the prompts, the policy is clearly worse than the champion in 1: length short."
    )
    assert in_slices(win_rate=0.2, p_worse_holm=None, prompts=9).passed, "too few prompts to be tested"
    for p_value in (None, math.nan):
        assert not in_slices(win_rate=0.2, p_worse_holm=p_value).passed, "enough prompts, and not tested"
    assert not in_slices(win_rate=0.6, p_worse_holm=None, prompts=None).passed
    assert not in_slices(win_rate=None).passed, "what was not measured was not met"


@pytest.mark.parametrize("slices", [None, {}, {"source": {}}, [], "x"])
def test_slices_that_were_not_measured_fail(slices: Any) -> None:
    assert not gate_named(judged("policy", "slices", slices), "slices").passed


@pytest.mark.parametrize("gate", ["new_phrase", "planted_phrase"])
def test_a_phrase_without_a_text_fails(gate: str) -> None:
    assert not gate_named(judged("policy", gate, None), gate).passed
    assert gate_named(judged("policy", gate, ""), gate).passed


def test_no_gates_are_no_readiness() -> None:
    assert Verdict(()).verdict == "BLOCKED"


def test_thresholds_come_from_params() -> None:
    strict = GATES.model_copy(update={"max_sequence_kl": 6.0, "min_win_rate_lower": 0.77})
    failed = [gate.name for gate in judge_candidate(metrics(), strict).gates if not gate.passed]
    assert failed == ["win_rate", "length_controlled_win_rate", "sequence_kl"]


#: For each threshold: the gates it decides, and a value so strict that the healthy run fails them.
STRICT = {
    "min_win_rate_lower": (0.77, ["win_rate", "length_controlled_win_rate"]),
    "min_champion_win_rate_lower": (0.52, ["champion"]),
    "max_sequence_kl": (6.0, ["sequence_kl"]),
    "min_reward_accuracy_lower": (0.75, ["reward_accuracy"]),
    "min_judge_accuracy_lower": (0.73, ["judge_accuracy"]),
    "max_calibration_error": (0.03, ["calibration"]),
    "max_disagreement_ratio": (1.2, ["disagreement"]),
    "max_length_ratio": (0.99, ["length"]),
    "max_character_ratio": (0.99, ["length_in_characters"]),
    "max_slice_loss": (0.01, ["slices"]),
    "slice_confidence": (0.3, ["slices"]),
    "max_copied_ratio": (0.9, ["copied"]),
    "min_relevance_ratio": (1.1, ["relevance"]),
    "max_new_phrase_share": (0.08, ["new_phrase"]),
    "max_planted_phrase_share": (0.001, ["planted_phrase"]),
    "max_leaked_share": (0.004, ["leaked_prompts"]),
    "max_empty_share": (0.0, ["empty_answers"]),
    "max_truncated_share": (0.009, ["truncated_answers"]),
    "max_repetition_ratio": (0.9, ["repetition"]),
    "min_distinct_2_ratio": (0.95, ["distinct_2"]),
}


@pytest.mark.parametrize("field", type(GATES).model_fields)
def test_every_threshold_decides_its_gates(field: str) -> None:
    figures = metrics()
    # At the edge of what the ones allow that are not reached by a healthy run's own figures.
    worse = {"max_slice_loss": (0.48, 0.04), "slice_confidence": (0.46, 0.6)}
    if field in worse:
        rate, p_value = worse[field]
        figures["policy"]["slices"]["length"]["short"] |= {"win_rate": rate, "p_worse_holm": p_value}
    figures["data"]["leaked_share"], figures["policy"]["empty_share"] = 0.005, 0.0005
    figures["policy"]["planted_phrase_share"] = 0.005
    figures["policy"]["repetition"] = figures["sft"]["repetition"] = 0.05
    assert judge_candidate(figures, GATES).verdict == "READY"
    value, gates = STRICT[field]
    strict = GATES.model_copy(update={field: value})
    assert [gate.name for gate in judge_candidate(figures, strict).gates if not gate.passed] == gates


def test_a_model_that_only_likes_short_answers_has_learned_nothing() -> None:
    figures = metrics()
    for section in ("reward_model", "judge"):
        figures[section]["longer_wins_accuracy"] = 0.22
    failed = [gate for gate in judge_candidate(figures, GATES).gates if not gate.passed]
    assert [gate.name for gate in failed] == ["reward_beats_length", "judge_beats_length"]
    assert "preferring the shorter answer" in failed[0].reason
    assert failed[0].threshold == 0.78


def test_the_sft_model_may_be_the_one_that_the_judge_likes_best() -> None:
    section = {
        "chosen": 5,
        "best": 5,
        "peak": 0,
        "peak_beats_chosen": 0.9,
        "peak_beats_chosen_ci": [0.8, 0.95],
    }
    gate = over_optimisation_gate(Figures(section), 3.0, 10.0)
    assert not gate.passed
    assert "By the judge, the SFT model is clearly better than the candidate" in gate.reason


def test_reasons_are_sentences_with_the_numbers() -> None:
    gate = win_rate_gate(0.81, 0.77, 0.85, 0.5)
    assert gate.reason == (
        "The win rate against the SFT model, by the judge that PPO never saw, 0.810 [0.770, 0.850], "
        "is wholly above 0.500."
    )
    assert (gate.measured, gate.threshold) == (0.77, 0.5)


def test_a_divergence_well_below_zero_is_a_broken_measurement() -> None:
    assert sequence_kl_gate(-0.2, 10.0).passed
    gate = sequence_kl_gate(-3.0, 10.0)
    assert not gate.passed
    assert "cannot be" in gate.reason


def test_repetition_nobody_sees_is_no_ratio_of_noise() -> None:
    assert repetition_gate(0.01, 0.0, 1.2).passed
    assert not repetition_gate(0.02, 0.0, 1.2).passed
    assert repetition_gate(0.059, 0.05, 1.2).passed
    assert not repetition_gate(0.061, 0.05, 1.2).passed


@pytest.mark.parametrize("figure", ["distinct_2", "relevance"])
@pytest.mark.parametrize("value", [0.0, -0.01])
def test_an_sft_model_without_any_compares_to_nothing(figure: str, value: float) -> None:
    figures = metrics()
    figures["sft"][figure] = value
    figures["policy"][figure] = value / 2
    assert not gate_named(judge_candidate(figures, GATES), figure).passed


def test_numbers_of_numpy_are_numbers() -> None:
    assert judged("policy", "sequence_kl", np.float32(3.0)).verdict == "READY"


def test_the_verdict_as_json_has_no_nan() -> None:
    content = judged("policy", "sequence_kl", math.nan).to_json()
    assert json.loads(json.dumps(content, allow_nan=False))["verdict"] == "BLOCKED"
    kl = next(gate for gate in content["gates"] if gate["name"] == "sequence_kl")
    assert set(kl) == {"name", "passed", "reason", "measured", "threshold"}
    assert kl["measured"] is None


JUNK = st.none() | st.text(max_size=5) | st.floats() | st.lists(st.floats(), max_size=3) | st.booleans()


@given(st.dictionaries(st.sampled_from([figure for _, _, figure in READ]), JUNK))
def test_ready_means_that_the_win_rate_was_measured_and_met(changes: dict[str, Any]) -> None:
    figures = metrics()
    figures["policy"] |= changes
    verdict = judge_candidate(figures, GATES)
    json.dumps(verdict.to_json(), allow_nan=False)
    if verdict.verdict == "READY":
        lower, upper = figures["policy"]["win_rate_vs_sft_ci"]
        assert lower > 0.5
        assert math.isfinite(upper)
        assert figures["policy"]["sequence_kl"] <= 10
