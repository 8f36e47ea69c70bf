"""A model's README.md in the format of the Hugging Face hub: YAML that machines read, then words for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from components.evaluation.figures import Figures
from components.evaluation.gates import Verdict
from components.evaluation.tables import models_table, paragraph, scorers_table
from components.pages.markdown import plain, table
from components.pages.table import Table

#: What the front matter tells of the policy: the key in metrics.json, and what a leaderboard calls it.
RESULTS = {
    "win_rate_vs_sft": "Win rate against the SFT model, by a held-out judge",
    "length_controlled_vs_sft": "Length-controlled win rate against the SFT model",
    "win_rate_vs_champion": "Win rate against the champion, by a held-out judge",
    "sequence_kl": "KL from the SFT model, nats an answer",
}
_WHOLE = 2_000  # characters of what this project wrote itself


@dataclass(frozen=True)
class Subject:
    """What the card is about.

    Attributes:
        name: such as "reviews"; base: the model it was taught from, a hub id or a name.
        prompt_template: what the model reads; "{prompt}" stands for the prompt.
        language: codes such as "en"; license: an SPDX identifier; None where nobody said.
    """

    name: str
    base: str | None = None
    prompt_template: str | None = None
    max_response_tokens: int | None = None
    language: Sequence[str] = ()
    license: str | None = None


def model_card(metrics: Mapping[str, Any], verdict: Verdict, subject: Subject) -> str:
    """The card of the policy. The same arguments give the same text.

    Args:
        metrics: what reports/metrics.json holds.
        verdict: of the gates, on the same figures.
    """
    front = yaml.safe_dump(_front_matter(metrics, subject), sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n" + "\n".join(_sections(metrics, verdict, subject)) + "\n"


def _front_matter(metrics: Mapping[str, Any], subject: Subject) -> dict[str, Any]:
    said = {
        "language": list(subject.language),
        "license": subject.license,
        "base_model": subject.base,
    }
    results = _results(metrics)
    return {
        **{key: value for key, value in said.items() if value},
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["rlhf", "ppo", "text-generation"],
        "model-index": [{"name": subject.name, "results": results}],
    }


def _results(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One task on one data set, with what was measured; the hub takes no result without a metric."""
    policy = Figures(metrics.get("policy"))
    found = [
        {"type": name, "name": words, "value": round(value, 6)}
        for name, words in RESULTS.items()
        if (value := policy.get(name)) is not None
    ]
    if not found:
        return []
    held_out = {"name": "held-out prompts of the feedback", "type": "feedback", "split": "test"}
    return [{"task": {"type": "text-generation"}, "dataset": held_out, "metrics": found}]


def _sections(metrics: Mapping[str, Any], verdict: Verdict, subject: Subject) -> Iterator[str]:
    yield from (f"# {plain(subject.name)}", "", *_about(subject), "")
    yield from ("## Evaluation", "", plain(paragraph(metrics), _WHOLE), "")
    for each in (models_table(metrics), scorers_table(metrics)):
        yield from _table(each)
    passed = sum(gate.passed for gate in verdict.gates)
    yield from ("## Gates", "", f"**{verdict.verdict}**: {passed} of {len(verdict.gates)} gates passed.", "")
    for gate in sorted(verdict.gates, key=lambda gate: gate.passed):
        mark = "passed" if gate.passed else "**failed**"
        yield f"- {mark}: {plain(gate.name.replace('_', ' '))}: {plain(gate.reason, _WHOLE)}"
    yield from ("", *_cautions(metrics))


def _about(subject: Subject) -> Iterator[str]:
    base = f", from {plain(subject.base)}," if subject.base else ""
    yield (
        f"A language model{base} taught by supervised fine-tuning and then by reinforcement learning from human "
        "feedback: a reward model learned which answers people prefer, and the policy learned to please it while "
        "it stayed near the fine-tuned model."
    )
    yield from ("", "## How to use it", "")
    if subject.prompt_template is not None:
        yield f"- Prompt template: {plain(repr(subject.prompt_template), _WHOLE)}"
    if subject.max_response_tokens is not None:
        yield f"- It was taught answers of at most {subject.max_response_tokens} tokens."
    yield from (
        "- Weights are in safetensors and the folder holds no code: load it with `AutoModelForCausalLM` and",
        "  `AutoTokenizer`, and leave `trust_remote_code` off.",
    )


def _table(found: Table) -> Iterator[str]:
    if found.rows:
        rows = ((label, *cells) for label, cells in found.rows)
        yield from (f"**{plain(found.caption)}**", "", *table(("", *map(plain, found.columns)), rows), "")


def _cautions(metrics: Mapping[str, Any]) -> Iterator[str]:
    """What the figures cannot say."""
    yield from (
        "## Limits",
        "",
        "- It answers as the people who gave feedback like it, on prompts like theirs; of other people and other "
        "prompts nothing was measured.",
        "- A preference is no check of facts: answers may be wrong and still be preferred.",
        "- The judge that compared the answers is itself a model, taught on other feedback than the reward model.",
    )
    if Figures(metrics.get("policy")).get("gold_win_rate_vs_sft") is not None:
        yield "- The feedback is simulated: no person judged these answers."
