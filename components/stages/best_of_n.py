"""The SFT model's best of n answers, by the reward model: no training, and as far from the SFT model as the policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.evaluation.best_of_n import kl_of_best
from components.modeling.exploration import Exploration
from components.modeling.generation import Answer, answer
from components.records import Prompt
from components.stages.answering import Answered, Yardsticks, gold_of, perplexity_under
from components.training.encoding import Encoded


@dataclass(frozen=True)
class BestOf:
    """Attributes: n: answers of which the best is taken; answered: the best of each prompt."""

    n: int
    answered: Answered


def best_of_n(
    prompts: Sequence[Prompt], n: int, temperature: float, seed: int, measure: Yardsticks
) -> BestOf:
    """Let the SFT model answer each prompt n times, and take what the reward model likes best, of equals the first."""
    texts = [row.prompt for row in prompts for _ in range(n)]
    answers = answer(
        measure.reference, measure.tokenizer, measure.text_format, texts, Exploration(temperature), seed
    )
    rewards = measure.reward(texts, [each.text for each in answers])
    groups = [range(start, start + n) for start in range(0, len(texts), n)]
    return BestOf(
        n, _answered(prompts, answers, rewards, [max(g, key=rewards.__getitem__) for g in groups], measure)
    )


def _answered(
    prompts: Sequence[Prompt],
    answers: Sequence[Answer],
    rewards: Sequence[float],
    best: Sequence[int],
    measure: Yardsticks,
) -> Answered:
    replies = [answers[place].text for place in best]
    rows = [
        Encoded(measure.prompt_ids(row.prompt), answers[place].tokens)
        for row, place in zip(prompts, best, strict=True)
    ]
    return Answered(
        answers=[answers[place] for place in best],
        reward=[rewards[place] for place in best],
        judge=measure.judge([row.prompt for row in prompts], replies),
        gold=gold_of(prompts, replies),
        disagreement=None,
        sequence_kl=kl_of_best(len(answers) // len(best)),
        perplexity=perplexity_under(measure.reference, rows),
    )
