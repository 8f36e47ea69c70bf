"""The rows of training data that pass between rooms. Plain dataclasses: every room may hold them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Demonstration:
    """A prompt and an answer that a person wrote, mended or preferred."""

    prompt: str
    response: str
    source: str = ""
    batch: str = ""


@dataclass(frozen=True)
class Preference:
    """Two answers to one prompt and how strongly people preferred the first.

    Attributes:
        probability: mean of the judgements for `chosen`, in [0.5, 1]; 0.5 is a tie.
        weight: how much the pair counts in the loss; the pairs of a ranking count less (feedback/comparisons.py).
        role: which model learns from it: "reward" (PPO sees that model) or "judge" (PPO never sees it).
    """

    prompt: str
    chosen: str
    rejected: str
    probability: float = 1.0
    weight: float = 1.0
    source: str = ""
    batch: str = ""
    role: str = "reward"


@dataclass(frozen=True)
class Rating:
    """An answer and its rating, scaled to [0, 1]; calibrates the stars that people read."""

    prompt: str
    response: str
    rating: float
    source: str = ""
    batch: str = ""


@dataclass(frozen=True)
class Prompt:
    """A prompt for rollouts or evaluation, and where it came from."""

    prompt: str
    source: str = ""
