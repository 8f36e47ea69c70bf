"""Answers to held-out prompts, what they are given by those who score, and how far the model has moved for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from transformers import PreTrainedModel

from components.evaluation.text_statistics import perplexity
from components.feedback.simulator import GOLD_SOURCE, gold_utility
from components.files import sha256_bytes
from components.modeling.device import pick_device
from components.modeling.exploration import Exploration
from components.modeling.generation import Answer, answer
from components.modeling.loading import load_policy
from components.modeling.text_format import TextFormat
from components.records import Prompt
from components.stages.paths import JUDGE, REWARD, SFT
from components.training.divergence import sequence_kls, sequence_logprobs
from components.training.encoding import Encoded
from components.training.scoring import Scorer, ScoreTexts, load_scorer


@dataclass(frozen=True)
class Answered:
    """One model's answers to all prompts, what they were given, and how far the model is from the SFT model.

    Attributes:
        reward: by the reward model that PPO saw; judge: by the one it never saw; gold: the simulator's true utility,
            None where a prompt is not simulated; each [prompts].
        disagreement: mean standard deviation over the reward models of an ensemble; None where there is
            one alone. It grows where the policy left what they know.
        sequence_kl: mean over answers of the summed log-ratio to the SFT model, in nats.
        perplexity: of the answers' tokens under the SFT model.

        Both are NaN for a model with other tokens than the SFT model's, as an earlier champion may have: the same
        numbers mean other texts there.
    """

    answers: list[Answer]
    reward: list[float]
    judge: list[float]
    gold: list[float] | None
    disagreement: float | None
    sequence_kl: float
    perplexity: float


@dataclass(frozen=True)
class Yardsticks:
    """What every model's answers are held against, loaded once."""

    reference: PreTrainedModel
    tokenizer: Any
    text_format: TextFormat
    reward: Scorer
    judge: ScoreTexts

    def prompt_ids(self, prompt: str) -> list[int]:
        """As the SFT model reads it."""
        return self.text_format.prompt_ids(self.tokenizer, prompt)


def load_yardsticks() -> Yardsticks:
    reference, tokenizer, text_format = load_policy(SFT)
    scorers = load_scorer(REWARD), load_scorer(JUDGE)
    return Yardsticks(reference.to(pick_device()), tokenizer, text_format, *scorers)


def draw(prompts: list[Prompt], count: int) -> list[Prompt]:
    """`count` prompts in the order of their digests: of every batch alike, and mostly the same as data grows."""
    return sorted(prompts, key=lambda row: sha256_bytes(row.prompt.encode("utf-8")))[:count]


def answer_prompts(
    folder: Path, prompts: Sequence[Prompt], temperature: float, seed: int, measure: Yardsticks
) -> Answered:
    """Let the model in `folder` answer every prompt once, and score what it says."""
    model, tokenizer, text_format = load_policy(folder)
    texts = [row.prompt for row in prompts]
    explore = Exploration(temperature)
    answers = answer(model.to(measure.reference.device), tokenizer, text_format, texts, explore, seed)
    rows = [
        Encoded(text_format.prompt_ids(tokenizer, text), a.tokens)
        for text, a in zip(texts, answers, strict=True)
    ]
    replies = [a.text for a in answers]
    rewards, spreads = measure.reward.judge(texts, replies)
    return Answered(
        answers=answers,
        reward=rewards,
        judge=measure.judge(texts, replies),
        gold=gold_of(prompts, replies),
        disagreement=fmean(spreads) if len(measure.reward.members) > 1 else None,
        **_distance(model, tokenizer, rows, temperature, measure),
    )


def _distance(
    model: PreTrainedModel, tokenizer: Any, rows: Sequence[Encoded], temperature: float, measure: Yardsticks
) -> dict[str, float]:
    """How far the model is from the SFT model, where both have the same tokens."""
    if tokenizer.get_vocab() != measure.tokenizer.get_vocab():
        return {"sequence_kl": math.nan, "perplexity": math.nan}
    return {
        "sequence_kl": fmean(sequence_kls(model, measure.reference, rows, temperature)),
        "perplexity": perplexity_under(measure.reference, rows),
    }


def perplexity_under(reference: PreTrainedModel, rows: Sequence[Encoded]) -> float:
    """How much of a surprise the answers are to the SFT model."""
    surprises = [-logprob for logprob in sequence_logprobs(reference, rows)]
    return perplexity(surprises, [len(row.response) for row in rows])


def gold_of(prompts: Sequence[Prompt], replies: Sequence[str]) -> list[float] | None:
    """The true utility, known only where all feedback is simulated."""
    if any(row.source != GOLD_SOURCE for row in prompts):
        return None
    return [gold_utility(row.prompt, reply) for row, reply in zip(prompts, replies, strict=True)]
