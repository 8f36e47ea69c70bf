"""The coefficient of the KL penalty: fixed, or steered so that the policy stays at a wanted distance."""

from __future__ import annotations

import math
from typing import Protocol

#: One update never answers to more than this relative error.
MAX_ERROR = 0.2


class KlController(Protocol):
    """Holds the coefficient; told after every round how far the policy is; its state belongs in the checkpoint."""

    coef: float

    def update(self, sequence_kl: float, episodes: int) -> None:
        """Take in the mean KL per *sequence*, in nats, of a round of `episodes` responses."""

    def state(self) -> dict[str, float]:
        """All that changes during training, as JSON can hold it."""

    def restore(self, state: dict[str, float]) -> None:
        """Go on from `state`."""


class FixedKl:
    """The same coefficient for the whole run."""

    def __init__(self, coef: float) -> None:
        self.coef = coef

    def update(self, sequence_kl: float, episodes: int) -> None:
        """Nothing to learn."""

    def state(self) -> dict[str, float]:
        return {"coef": self.coef}

    def restore(self, state: dict[str, float]) -> None:
        self.coef = state["coef"]


class AdaptiveKl:
    """Raises the coefficient while the policy is further than `target` and lowers it while it is nearer.

    Ziegler 2019 (1909.08593), section 2.2: e = clip((KL - target) / target, -0.2, 0.2), then
    coef <- coef * (1 + e * episodes / horizon), as in that paper's code. KL and target are nats per sequence: the
    per-token mean would never come near the target, and the coefficient would only fall.

    Args:
        coef: where to start. target: wanted mean KL per sequence, > 0. horizon: episodes, > 0.
    """

    def __init__(self, coef: float = 0.15, target: float = 6.0, horizon: float = 10_000.0) -> None:
        self.coef = coef
        self.target = target
        self.horizon = horizon

    def update(self, sequence_kl: float, episodes: int) -> None:
        if math.isnan(sequence_kl):  # says nothing about the distance
            return
        error = min(max(sequence_kl / self.target - 1.0, -MAX_ERROR), MAX_ERROR)
        self.coef *= 1.0 + error * episodes / self.horizon

    def state(self) -> dict[str, float]:
        return {"coef": self.coef}

    def restore(self, state: dict[str, float]) -> None:
        self.coef = state["coef"]
