"""The SFT model, the PPO policy and the DPO baseline on the same held-out prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from transformers import PreTrainedModel

from components.evaluation.answers import Answer as JudgedAnswer
from components.evaluation.answers import Sample
from components.evaluation.intervals import Bootstrap
from components.evaluation.stars import Stars
from components.evaluation.text_statistics import describe
from components.evaluation.win_rate import win_rate
from components.feedback.simulator import GOLD_SOURCE, gold_utility
from components.modeling.device import pick_device
from components.modeling.generation import Answer, answer
from components.modeling.loading import load_policy
from components.records import Prompt
from components.stages.paths import DPO, JUDGE, POLICY, REWARD, SFT
from components.training.divergence import sequence_kls
from components.training.encoding import Encoded
from components.training.scoring import Scorer, ScoreTexts, load_scorer

MODELS = {"sft": SFT, "policy": POLICY, "dpo": DPO}


@dataclass(frozen=True)
class Comparison:
    """Attributes: figures: the sections "sft", "policy" and "dpo" of reports/metrics.json."""

    figures: dict[str, dict[str, Any]]
    samples: list[Sample]


@dataclass(frozen=True)
class Answered:
    """One model's answers to all prompts, what they were given, and how far the model is from the SFT model."""

    answers: list[Answer]
    reward: list[float]
    judge: list[float]
    gold: list[float] | None
    disagreement: float | None
    sequence_kl: float


@dataclass(frozen=True)
class _Yardsticks:
    """What every model's answers are held against, loaded once."""

    reference: PreTrainedModel
    reward: Scorer
    judge: ScoreTexts


def compare_models(
    prompts: Sequence[Prompt], temperature: float, seed: int, bootstrap: Bootstrap
) -> Comparison:
    """Let each model answer every prompt once, with the same seed, and hold each against the SFT model."""
    measure = _Yardsticks(load_policy(SFT)[0].to(pick_device()), load_scorer(REWARD), load_scorer(JUDGE))
    answered = {name: _answer(folder, prompts, temperature, seed, measure) for name, folder in MODELS.items()}
    figures = {name: _describe(found) for name, found in answered.items()}
    for name in ("policy", "dpo"):
        figures[name] |= _against(answered[name], answered["sft"], bootstrap)
    return Comparison(figures, _side_by_side(prompts, answered))


def _answer(
    folder: Path, prompts: Sequence[Prompt], temperature: float, seed: int, measure: _Yardsticks
) -> Answered:
    model, tokenizer, text_format = load_policy(folder)
    texts = [row.prompt for row in prompts]
    answers = answer(model.to(measure.reference.device), tokenizer, text_format, texts, temperature, seed)
    rows = [
        Encoded(text_format.prompt_ids(tokenizer, text), a.tokens)
        for text, a in zip(texts, answers, strict=True)
    ]
    replies = [a.text for a in answers]
    return Answered(
        answers=answers,
        reward=measure.reward(texts, replies),
        judge=measure.judge(texts, replies),
        gold=_gold(prompts, replies),
        disagreement=_disagreement(measure.reward, texts, replies),
        sequence_kl=fmean(sequence_kls(model, measure.reference, rows, temperature)),
    )


def _disagreement(scorer: Scorer, prompts: Sequence[str], replies: Sequence[str]) -> float | None:
    """Mean standard deviation over the members of an ensemble: it grows where the policy left what they know."""
    return fmean(scorer.disagreement(prompts, replies)) if len(scorer.members) > 1 else None


def _gold(prompts: Sequence[Prompt], replies: Sequence[str]) -> list[float] | None:
    """The true utility, known only where all feedback is simulated."""
    if any(row.source != GOLD_SOURCE for row in prompts):
        return None
    return [gold_utility(row.prompt, reply) for row, reply in zip(prompts, replies, strict=True)]


def _describe(found: Answered) -> dict[str, Any]:
    statistics = describe([a.text for a in found.answers], [not a.ended for a in found.answers])
    return {
        "sequence_kl": found.sequence_kl,
        "reward": fmean(found.reward),
        "reward_disagreement": found.disagreement,
        "judge": fmean(found.judge),
        "gold": None if found.gold is None else fmean(found.gold),
        **asdict(statistics),
    }


def _against(found: Answered, sft: Answered, bootstrap: Bootstrap) -> dict[str, Any]:
    figures = win_rate(found.judge, sft.judge, bootstrap).figures("win_rate_vs_sft")
    if found.gold is None or sft.gold is None:
        return figures | {"gold_win_rate_vs_sft": None, "gold_win_rate_vs_sft_ci": None}
    return figures | win_rate(found.gold, sft.gold, bootstrap).figures("gold_win_rate_vs_sft")


def _side_by_side(prompts: Sequence[Prompt], answered: dict[str, Answered]) -> list[Sample]:
    stars = Stars.read(REWARD / "stars.json")
    return [
        Sample(row.prompt, **{name: _judged(found, index, stars) for name, found in answered.items()})
        for index, row in enumerate(prompts)
    ]


def _judged(found: Answered, index: int, stars: Stars | None) -> JudgedAnswer:
    reward = found.reward[index]
    return JudgedAnswer(
        text=found.answers[index].text,
        reward=reward,
        judge=found.judge[index],
        gold=None if found.gold is None else found.gold[index],
        stars=None if stars is None else stars.text(reward),
        truncated=not found.answers[index].ended,
    )
