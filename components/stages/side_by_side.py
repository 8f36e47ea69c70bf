"""What everyone answered to each prompt, for the reviewer; and what each token of the answers that are shown did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from components.config import EvaluateParams
from components.evaluation.answers import Answer, Sample, Token, by_loss
from components.evaluation.stars import Stars
from components.modeling.loading import load_policy
from components.modeling.text_format import TextFormat
from components.records import Prompt
from components.stages.answering import Answered, Yardsticks
from components.stages.paths import POLICY, REWARD
from components.training.encoding import Encoded
from components.training.token_figures import TokenFigures, pieces, token_figures

#: Whose answers are looked at token by token: what the policy says, and what it no longer says.
MEASURED = ("policy", "sft")
#: Digits after the point of a token's figures: nobody sees more, and the files stay small.
DIGITS = 4


def side_by_side(prompts: Sequence[Prompt], answered: Mapping[str, Answered]) -> list[Sample]:
    """A sample a prompt; who answered only the first prompts stands beside those alone."""
    stars = Stars.read(REWARD / "stars.json")

    def answers(index: int) -> dict[str, Answer]:
        there = {name: found for name, found in answered.items() if index < len(found.answers)}
        return {name: _judged(found, index, stars) for name, found in there.items()}

    return [Sample(row.prompt, answers(index), row.source) for index, row in enumerate(prompts)]


def with_token_figures(
    samples: Sequence[Sample],
    prompts: Sequence[Prompt],
    answered: Mapping[str, Answered],
    measure: Yardsticks,
    params: EvaluateParams,
) -> list[Sample]:
    """The samples, those that the page shows with what the tokens of the `MEASURED` answers did."""
    model, tokenizer, text_format = load_policy(POLICY)
    model = model.to(measure.reference.device)
    shown = sorted(range(len(samples)), key=lambda place: by_loss(samples[place]))[: params.side_by_side]
    found = list(samples)
    for name in MEASURED:
        texts = (
            [prompts[place].prompt for place in shown],
            [answered[name].answers[place].text for place in shown],
        )
        tokens = [answered[name].answers[place].tokens for place in shown]
        rows = _encoded(tokenizer, text_format, texts[0], tokens)
        figures = token_figures(model, measure.reference, measure.reward, rows, texts, params.temperature)
        doubts = (
            measure.reward.disagreement(*texts) if len(measure.reward.members) > 1 else [None] * len(shown)
        )
        for place, row, each, doubt in zip(shown, rows, figures, doubts, strict=True):
            answer = found[place].answers[name]
            told = replace(answer, disagreement=doubt, tokens=measured_tokens(tokenizer, row.response, each))
            found[place] = replace(found[place], answers={**found[place].answers, name: told})
    return found


def _encoded(
    tokenizer: Any, text_format: TextFormat, prompts: Sequence[str], tokens: Sequence[list[int]]
) -> list[Encoded]:
    pairs = zip(prompts, tokens, strict=True)
    return [Encoded(text_format.prompt_ids(tokenizer, prompt), response) for prompt, response in pairs]


def measured_tokens(tokenizer: Any, response: Sequence[int], found: TokenFigures) -> tuple[Token, ...]:
    """The tokens of a response, each with its text and what it did."""
    nothing: list[float | None] = [None] * len(response)
    rewards: Sequence[float | None] = found.rewards or nothing
    values: Sequence[float | None] = found.running[1:] if found.running else nothing
    rows = zip(pieces(tokenizer, response), found.kl, rewards, values, strict=True)
    return tuple(Token(text, *map(_rounded, (kl, reward, value))) for text, kl, reward, value in rows)


def _rounded(value: float | None) -> Any:
    return None if value is None else round(value, DIGITS)


def _judged(found: Answered, index: int, stars: Stars | None) -> Answer:
    reward = found.reward[index]
    return Answer(
        text=found.answers[index].text,
        reward=reward,
        judge=found.judge[index],
        gold=None if found.gold is None else found.gold[index],
        stars=None if stars is None else stars.text(reward),
        truncated=not found.answers[index].ended,
    )
