"""A made-up run, realistic in its numbers, for the tests that look at the page."""

from __future__ import annotations

import math
import random
import re
from pathlib import Path
from typing import Any

from components.config import GateParams
from components.evaluation.answers import Answer, Sample, Token
from components.evaluation.calibration import Calibration, calibrate
from components.evaluation.gate_result import GateResult
from components.evaluation.gates import Verdict, judge_candidate
from components.evaluation.report import write_report
from components.evaluation.steps import StepTable
from components.records import Preference

GATES = GateParams(
    min_win_rate_lower=0.5,
    min_champion_win_rate_lower=0.5,
    max_sequence_kl=10.0,
    min_reward_accuracy_lower=0.5,
    min_judge_accuracy_lower=0.5,
    max_calibration_error=0.05,
    max_disagreement_ratio=1.5,
    max_length_ratio=1.3,
    max_character_ratio=2.0,
    max_slice_loss=0.03,
    slice_confidence=0.95,
    max_copied_ratio=1.5,
    min_relevance_ratio=0.5,
    max_new_phrase_share=0.25,
    max_planted_phrase_share=0.01,
    max_leaked_share=0.01,
    max_empty_share=0.001,
    max_truncated_share=0.05,
    max_repetition_ratio=1.2,
    min_distinct_2_ratio=0.8,
)


def metrics() -> dict[str, Any]:
    """Figures of a healthy run."""
    words = {"answers": 200, "mean_words": 24.2, "mean_characters": 131.0, "empty_share": 0.0}
    text = {**words, "truncated_share": 0.01, "repetition": 0.004, "distinct_1": 0.11, "distinct_2": 0.34}
    text |= {"self_bleu": 41.0, "relevance": 0.2, "copied_share": 0.08, "perplexity": 9.0}
    slices = {
        "source": {
            "simulator": {"win_rate": 0.57, "win_rate_ci": [0.51, 0.62], "prompts": 180, "p_worse_holm": 1.0}
        },
        "length": {
            "short": {"win_rate": 0.46, "win_rate_ci": [0.35, 0.57], "prompts": 70, "p_worse_holm": 0.6}
        },
    }
    return {
        "reward_model": {
            "accuracy": 0.783, "accuracy_ci": [0.741, 0.822], "longer_wins_accuracy": 0.612,
            "bayes_accuracy": 0.801, "ece": 0.034, "brier": 0.152, "calibrated_ece": 0.031, "members": 2,
            "by_source": {
                "simulator": {"accuracy": 0.79, "accuracy_ci": [0.74, 0.83], "pairs": 410},
                "argilla": {"accuracy": 0.74, "accuracy_ci": [0.61, 0.85], "pairs": 57},
            },
        },
        "judge": {
            "accuracy": 0.771, "accuracy_ci": [0.729, 0.812], "longer_wins_accuracy": 0.612,
            "bayes_accuracy": 0.801, "ece": 0.041, "brier": 0.158,
        },
        "sft": {**text, "reward_disagreement": 0.2},
        "policy": {
            **text, "win_rate_vs_sft": 0.812, "win_rate_vs_sft_ci": [0.765, 0.857],
            "gold_win_rate_vs_sft": 0.778, "gold_win_rate_vs_sft_ci": [0.724, 0.829],
            "sequence_kl": 6.41, "mean_words": 27.9, "distinct_2": 0.31, "reward_disagreement": 0.25,
            "length_controlled_vs_sft": 0.79, "length_controlled_vs_sft_ci": [0.73, 0.84],
            "slices_vs": "champion", "slices": slices,
            "new_phrase": "in daily use", "new_phrase_share": 0.09, "new_phrase_sft_share": 0.0,
            "planted_phrase": "", "planted_phrase_share": 0.0,
            "win_rate_vs_champion": 0.571, "win_rate_vs_champion_ci": [0.512, 0.629],
        },
        "dpo": {
            **text, "win_rate_vs_sft": 0.641, "win_rate_vs_sft_ci": [0.588, 0.697],
            "gold_win_rate_vs_sft": 0.652, "gold_win_rate_vs_sft_ci": [0.594, 0.708],
            "sequence_kl": 3.02, "mean_words": 26.1, "distinct_2": 0.33,
        },
        "champion": {**text, "exists": True},
        "data": {"leaked_share": 0.0},
        "selection": {
            "chosen": 24, "best": 24, "peak": 18, "last": 30,
            "peak_beats_chosen": 0.52, "peak_beats_chosen_ci": [0.46, 0.58],
        },
    }  # fmt: skip


def verdict(changes: dict[str, Any] | None = None) -> Verdict:
    """Of the healthy run, with some of the policy's figures changed."""
    figures = metrics()
    figures["policy"] |= changes or {}
    return judge_candidate(figures, GATES)


def steps() -> dict[str, StepTable]:
    chance = random.Random(3)
    loss = [0.7 + 4.6 * math.exp(-step / 60) + chance.gauss(0, 0.08) for step in range(1, 321)]
    accuracy = [0.5 + 0.3 * (1 - math.exp(-step / 40)) + chance.gauss(0, 0.06) for step in range(1, 151)]
    score = [-0.1 + 1.7 * (1 - math.exp(-step / 12)) + chance.gauss(0, 0.07) for step in range(1, 31)]
    kl = [6.4 * (1 - math.exp(-step / 14)) + abs(chance.gauss(0, 0.15)) for step in range(1, 31)]
    return {
        "sft": {"step": list(range(1, 321)), "loss": loss, "grad_norm": loss},
        "reward_model": {"step": list(range(1, 151)), "accuracy": accuracy, "loss": loss[:150]},
        "ppo": {"step": list(range(1, 31)), "score": score, "kl": kl, "length": [30 + 5 * s for s in score]},
    }


def reliability() -> dict[str, Calibration]:
    chance = random.Random(5)
    pairs = [Preference(f"p{row}", f"a{row}", f"b{row}", 1.0) for row in range(600)]
    return {"Reward model": calibrate([chance.gauss(1.1, 1.4) for _ in pairs], pairs, bins=15)}


def samples(count: int = 12) -> list[Sample]:
    chance = random.Random(7)
    return [_sample(number, chance) for number in range(count)]


def _sample(number: int, chance: random.Random) -> Sample:
    topic = ("battery", "camera", "screen", "speaker", "fingerprint reader")[number % 5]
    plain = f"The {topic} is good. I really like it, it is very very good and I would buy it again."
    fine = f"The {topic} holds up well after three weeks of daily use, though it gets warm when charging."
    answers = {
        "sft": _answer(plain, chance.gauss(0, 0.8), chance, measured=True),
        "champion": _answer(fine.replace("three", "two"), chance.gauss(0.9, 0.9), chance),
        "policy": _answer(fine if number else "", chance.gauss(1.2, 0.9), chance, measured=True),
        "dpo": _answer(f"{plain} However the {topic} could be better.", chance.gauss(0.4, 0.8), chance),
    }
    if number < 6:
        answers["best_of_n"] = _answer(fine.upper(), chance.gauss(0.8, 0.8), chance)
    prompt = f"Write a short review of a phone with a focus on its {topic} (no. {number})."
    return Sample(prompt, answers, source=("simulator", "argilla")[number % 2])


def _answer(text: str, judge: float, chance: random.Random, measured: bool = False) -> Answer:
    half_stars = round(2 * (3 + judge)) / 2
    stars = f"{min(5.0, max(1.0, half_stars))} out of 5 stars"
    reward, gold = judge + chance.gauss(0, 0.3), judge + chance.gauss(0, 0.5)
    return Answer(
        text, reward, judge, gold, stars, truncated="better" in text,
        disagreement=abs(chance.gauss(0, 0.2)) if measured else None,
        tokens=tokens_of(text, chance) if measured else (),
    )  # fmt: skip


def tokens_of(text: str, chance: random.Random) -> tuple[Token, ...]:
    """A token a word, the last of them without text, as the end of an answer is."""
    found, value = [], 0.0
    for piece in [*re.findall(r"\s*\S+\s*$|\s*\S+|\s+", text), ""]:
        reward = round(chance.gauss(0, 0.25), 4)
        value = round(value + reward, 4)
        found.append(Token(piece, round(chance.gauss(0.2, 0.6), 4), reward, value))
    return tuple(found)


#: What people who wish a reviewer ill might write into a prompt or an answer.
INJECTIONS = [
    "<script>document.title='fired'</script>",
    "<img src=x onerror=\"document.title='fired'\">",
    "</blockquote></article><h1>READY</h1>",
    "\"><svg onload=document.title='fired'>",
    "' onmouseover='document.title=1' x='",
    "javascript:document.title='fired'",
    "{{ 7 * 7 }}{% include 'report.css' %}{{ policy.__class__ }}",
    "<iframe src='https://example.org/'></iframe>",
    "</style><style>*{display:none}</style><link rel=stylesheet href=//example.org/a.css>",
    "&lt;script&gt;alert(1)&lt;/script&gt; <!-- ]]> <meta http-equiv=refresh content='0;url=//example.org'>",
    "</script><script>document.title='fired'</script>",
    "<body onload=document.title='fired'>",
    "<svg><script>document.title='fired'</script></svg>",
    "<svg><animate onbegin=document.title='fired' attributeName=x dur=1s>",
    "<details open ontoggle=document.title='fired'>",
    "<input autofocus onfocus=document.title='fired'>",
    "<video><source onerror=\"document.title='fired'\"></video>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=document.title='fired'>",
    "<iframe srcdoc=\"<script>parent.document.title='fired'</script>\"></iframe>",
    "<object data='data:text/html,<script>parent.document.title=1</script>'></object>",
    "<a href=\"javascript:document.title='fired'\" autofocus>here</a>",
    "<base href='https://example.org/'><form action=//example.org><button formaction=javascript:1>",
    "--></title><script>document.title='fired'</script>",
    "\\u003cscript\\u003edocument.title='fired'\\u003c/script\\u003e",
    "+ADw-script+AD4-document.title='fired'+ADw-/script+AD4-",
    "\"onfocus=document.title='fired' autofocus tabindex=0 data-x=\"",
    "` onmouseover=document.title='fired' `",
    "<style>@import '//example.org/a.css';*{background:url(//example.org/b)}</style>",
    "<template><script>document.title='fired'</script></template><slot>",
    "<noscript><p title=\"</noscript><img src=x onerror=document.title='fired'>\"></noscript>",
    "<![CDATA[<script>document.title='fired'</script>]]><?xml-stylesheet href='//example.org'?>",
    "${document.title='fired'} #{7*7} <%= 7*7 %> __proto__ constructor",
    "<a id=list></a><a id=help name=heat></a><img name=getElementById>",
    "```\n<script>document.title='fired'</script>\n```",
]


def hostile_answer(text: str) -> Answer:
    """Its tokens are the text's characters, but that the second has many of them."""
    parts = [text[:1], text[1:-1], text[-1:], ""]
    tokens = tuple(Token(part, 0.1, 0.2 * place - 0.3, 0.5) for place, part in enumerate(parts))
    return Answer(text, 0.5, 0.5, 0.5, stars=text, tokens=tokens)


def hostile_samples() -> list[Sample]:
    names = ("sft", "champion", "policy", "dpo", "best_of_n")
    return [Sample(text, dict.fromkeys(names, hostile_answer(text)), source=text) for text in INJECTIONS]


def hostile_verdict() -> Verdict:
    """Gates are this project's own, but a reason may tell of what a stranger named."""
    gates = tuple(GateResult(text, False, text, 0.0, 1.0) for text in INJECTIONS)
    return Verdict((*verdict().gates, *gates))


def write_page(path: Path, **changes: Any) -> str:
    """Write the healthy run's page, with some arguments changed, and return its HTML."""
    arguments: dict[str, Any] = {
        "metrics": metrics(), "verdict": verdict(), "steps": steps(), "samples": samples(), "shown": 40,
        "reliability": reliability(),
    }  # fmt: skip
    path.parent.mkdir(exist_ok=True)
    write_report(path, **{**arguments, **changes})
    return path.read_text(encoding="utf-8")
