"""What is asked of a model, and what comes back, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from components.evaluation.answers import Token
from components.modeling.exploration import Exploration

#: Logits divided by less may overflow. Long before that the likeliest token is drawn always.
_COLDEST = 1e-6


@dataclass(frozen=True)
class Question:
    """Prompts, and how their answers are drawn.

    Attributes:
        prompts: each is answered by itself, `n` times; answers are numbered in this order, from 0.
        temperature: 0, and what is next to it, takes the likeliest token always.
        max_tokens: of an answer; None, and more than the model was taught to write, are as many as it was.
        seed: the same seed, prompts and n give the same answers.
        stop: an answer ends before the first of these texts.
    """

    prompts: tuple[str, ...]
    seed: int
    n: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()

    @property
    def explore(self) -> Exploration:
        # Of one token the likeliest is drawn, whatever the temperature.
        return Exploration(top_k=1) if self._is_greedy else Exploration(self.temperature, 0, self.top_p)

    @property
    def kl_temperature(self) -> float:
        """At which the policy is held against its reference."""
        return 1.0 if self._is_greedy else self.temperature

    @property
    def _is_greedy(self) -> bool:
        return self.temperature < _COLDEST


@dataclass(frozen=True)
class Started:
    """The question's turn has come. version: who answers, as "reviews/3"."""

    version: str


@dataclass(frozen=True)
class Piece:
    """More text of an answer: whole characters."""

    choice: int
    text: str


@dataclass(frozen=True)
class Finished:
    """An answer is complete.

    Attributes:
        text: all of it; tokens: as they were drawn, an EOS and what spelled a stop text included.
        reason: "stop" where it ended itself or came to a stop text; "length" where it was cut.
        prompt_tokens: that the model read before it.
    """

    choice: int
    text: str
    tokens: tuple[int, ...]
    reason: Literal["stop", "length"]
    prompt_tokens: int


@dataclass(frozen=True)
class Measured:
    """What the reward model thinks of an answer.

    Attributes:
        stars: to the nearest half; None where people gave no ratings.
        tokens: what each token did; none where the answer was cut at a stop text.
    """

    choice: int
    score: float
    stars: float | None
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Failed:
    """Nothing more will come. Attributes: message: for whoever asked."""

    message: str


Event = Started | Piece | Finished | Measured | Failed
