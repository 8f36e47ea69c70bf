"""A candidate's figures as one paragraph, for the reviewer who opens it in MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.tracking.verdict import Verdict

#: Figure in reports/metrics.json, and how a person reads it.
_SENTENCES = (
    ("policy.win_rate_vs_sft", "The judge prefers the policy to the SFT model on {:.1%} of held-out prompts"),
    ("policy.gold_win_rate_vs_sft", "by the simulator's true utility it wins {:.1%}"),
    ("dpo.win_rate_vs_sft", "DPO on the same pairs wins {:.1%} by the judge"),
    ("policy.sequence_kl", "the policy is {:.2f} nats from the SFT model"),
    ("reward_model.accuracy", "the reward model ranks {:.1%} of held-out pairs as people did"),
)


def describe_candidate(verdict: Verdict, metrics: Mapping[str, Any]) -> str:
    """Such as "READY. The judge prefers ... on 71.0% of ... (95 % interval 65.0% to 77.0%); ..."."""
    told = [text for name, sentence in _SENTENCES if (text := _sentence(metrics, name, sentence))]
    reasons = f" Blocked by {'; '.join(verdict.reasons)}." if verdict.reasons else ""
    return f"{verdict.verdict}. {'; '.join(told)}{'.' if told else ''}{reasons}"


def _sentence(metrics: Mapping[str, Any], name: str, sentence: str) -> str:
    section, figure = name.split(".")
    values = metrics.get(section) or {}
    if values.get(figure) is None:
        return ""
    text = sentence.format(values[figure])
    interval = values.get(f"{figure}_ci")
    return f"{text} (95 % interval {interval[0]:.1%} to {interval[1]:.1%})" if interval else text
