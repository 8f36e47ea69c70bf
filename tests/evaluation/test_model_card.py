"""The card as the hub's own code reads it, and what it says."""

from __future__ import annotations

import pytest
import yaml
from huggingface_hub import ModelCard
from report_case import INJECTIONS, hostile_verdict, metrics, verdict

from components.evaluation.model_card import Subject, model_card

SUBJECT = Subject("reviews", "gpt2", "{prompt}\n", 64, ("en", "de"), "apache-2.0")


def card(**changes: object) -> ModelCard:
    return ModelCard(
        model_card(**{"metrics": metrics(), "verdict": verdict(), "subject": SUBJECT, **changes})
    )


def test_the_hub_reads_its_front_matter() -> None:
    data = card().data
    assert (data.base_model, data.language, data.license) == ("gpt2", ["en", "de"], "apache-2.0")
    assert (data.library_name, data.pipeline_tag) == ("transformers", "text-generation")
    assert data.model_name == "reviews"
    results = {result.metric_type: result.metric_value for result in data.eval_results}
    assert results == {
        "win_rate_vs_sft": 0.812, "length_controlled_vs_sft": 0.79, "win_rate_vs_champion": 0.571,
        "sequence_kl": 6.41,
    }  # fmt: skip
    assert {result.dataset_split for result in data.eval_results} == {"test"}


def test_what_nobody_said_is_not_there() -> None:
    text = model_card({}, verdict(), Subject("candidate"))
    front = yaml.safe_load(text.split("---\n")[1])
    assert {"base_model", "language", "license"}.isdisjoint(front)
    assert front["model-index"] == [{"name": "candidate", "results": []}]
    assert "Nothing was measured." in text
    assert "simulated" not in text


def test_it_tells_of_figures_gates_and_limits() -> None:
    text = card(verdict=verdict({"sequence_kl": 99.0})).text
    assert "81.2% \\[76.5, 85.7\\]" in text
    assert "**BLOCKED**: 23 of 24 gates passed." in text
    assert text.index("**failed**: sequence kl") < text.index("passed: win rate")
    assert "no person judged these answers" in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## How to use it", "## Evaluation", "## Gates", "## Limits",
    ]  # fmt: skip


@pytest.mark.parametrize("text", INJECTIONS)
def test_hostile_names_stay_names(text: str) -> None:
    subject = Subject(f"{text}\n---\nlicense: mit", text, text)
    found = model_card(metrics(), hostile_verdict(), subject)
    data = ModelCard(found).data
    assert data.model_name == subject.name
    assert data.base_model == text
    assert data.license is None
    body = found.split("\n---\n\n", 1)[1]
    assert "<script" not in body
    assert "<img" not in body


def test_the_same_arguments_are_the_same_text() -> None:
    assert model_card(metrics(), verdict(), SUBJECT) == model_card(metrics(), verdict(), SUBJECT)
