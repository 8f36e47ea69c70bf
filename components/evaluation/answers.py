"""The models' answers to one held-out prompt, side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Answer:
    """One model's answer and what it was given for it.

    Attributes:
        reward: score of the reward model that PPO saw; judge: of the one it never saw.
        gold: the simulator's true utility, where the feedback is simulated.
        stars: the reward score as people read it, such as "4.5 out of 5 stars", where ratings were given.
        truncated: whether it was cut by length.
    """

    text: str
    reward: float
    judge: float
    gold: float | None = None
    stars: str | None = None
    truncated: bool = False


@dataclass(frozen=True)
class Sample:
    """A prompt, and the answers of the SFT model, of the PPO policy and of the DPO baseline."""

    prompt: str
    sft: Answer
    policy: Answer
    dpo: Answer

    @property
    def gain(self) -> float:
        """How far the judge scores the policy's answer above the SFT model's; below zero is a loss."""
        return self.policy.judge - self.sft.judge


def worst_first(samples: Iterable[Sample]) -> list[Sample]:
    """The samples in the order that deserves a look: the policy's largest loss first."""
    return sorted(samples, key=lambda sample: (sample.gain, sample.prompt))


def to_jsonl(samples: Sequence[Sample]) -> str:
    """What reports/samples.jsonl holds: an object a line, {"prompt", "sft": {"text", "judge", ...}, ...}.

    Only ASCII is written, so that half a surrogate pair out of a hostile file still has an encoding.
    """
    return "".join(json.dumps(asdict(sample), allow_nan=False) + "\n" for sample in samples)
