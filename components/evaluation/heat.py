"""The figures of tokens as the page carries them: short lists of whole numbers, and how dark is dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from components.evaluation.answers import Answer, Token

#: What a heat map may show, and what a reader calls it.
METRICS = {"reward": "reward", "kl": "KL", "value": "running score"}
#: The figure at this share of all tokens has the full colour; one token in twenty is darker than the legend can say.
FULL_COLOUR = 0.95


def attributes(answer: Answer) -> dict[str, str]:
    """`token_attributes` of an answer; nothing where nothing was measured."""
    return token_attributes(answer.tokens) if answer.has_token_figures else {}


def token_attributes(tokens: Sequence[Token]) -> dict[str, str]:
    """Data attributes for the text of an answer: characters a token, and thousandths of each figure.

    No running score and no reward where the reward model reads other tokens.
    """
    lengths = " ".join(str(len(token.text)) for token in tokens)
    figures = {name: _thousandths(tokens, name) for name in METRICS}
    return {"lengths": lengths, **{name: text for name, text in figures.items() if text}}


def scales(answers: Iterable[Answer]) -> dict[str, float]:
    """`token_scales` of all tokens that were measured."""
    return token_scales([token for answer in answers if answer.has_token_figures for token in answer.tokens])


def token_scales(tokens: Sequence[Token]) -> dict[str, float]:
    """For each metric that was measured, the figure that gets the full colour, of either sign."""
    measured = {
        name: [abs(value) for token in tokens if (value := getattr(token, name)) is not None]
        for name in METRICS
    }
    return {
        name: max(0.001, round(float(np.quantile(values, FULL_COLOUR)), 3))
        for name, values in measured.items()
        if values
    }


def _thousandths(tokens: Iterable[Token], name: str) -> str:
    values = [getattr(token, name) for token in tokens]
    return "" if None in values else " ".join(str(round(1000 * value)) for value in values)
