"""Scores of answers by a reward model, in its own tokens and on its own scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from components.errors import ModelError
from components.files import read_json, write_json
from components.modeling.device import pick_device
from components.modeling.loading import load_reward_model
from components.modeling.text_format import TextFormat
from components.training.encoding import Encoded, encode_pairs
from components.training.forward import in_parts, sequence_scores

FILE_NAME = "reward.json"

#: Scores of answers, from prompts and responses of equal number.
ScoreTexts = Callable[[Sequence[str], Sequence[str]], list[float]]


@dataclass(frozen=True)
class RewardScale:
    """Mean and standard deviation of a reward model's raw scores of reference responses.

    A normalised score of 0 is a typical reference response, 1 is one standard deviation better (Stiennon 2020;
    Huang 2024, detail 5).
    """

    mean: float
    std: float

    def normalise(self, raw: float) -> float:
        return (raw - self.mean) / self.std

    def save(self, folder: Path) -> None:
        write_json(folder / FILE_NAME, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> RewardScale:
        path = folder / FILE_NAME
        if not path.exists():
            raise ModelError(f"{path} not found", f"{folder} is not a reward model of this project")
        return cls(**read_json(path))

    @classmethod
    def measure(cls, raw: Sequence[float]) -> RewardScale:
        scores = torch.tensor(raw, dtype=torch.float64)
        # Equal scores for everything: dividing by 1 keeps them equal instead of infinite.
        std = float(scores.std(correction=0)) or 1.0
        return cls(mean=float(scores.mean()), std=std)


@torch.no_grad()
def raw_scores(model: PreTrainedModel, rows: Sequence[Encoded]) -> list[float]:
    """The head's logit at the last token of each row, in the rows' order."""
    scores = in_parts(rows, lambda part: sequence_scores(model, part).unbind())
    return torch.stack(scores).tolist() if scores else []


def text_scorer(
    model: PreTrainedModel, tokenizer: Any, text_format: TextFormat, scale: RewardScale
) -> ScoreTexts:
    """Normalised scores of texts. Texts, not tokens: policy and reward model may have different tokenizers."""

    def score(prompts: Sequence[str], responses: Sequence[str]) -> list[float]:
        rows = encode_pairs(tokenizer, text_format, prompts, responses)
        return [scale.normalise(raw) for raw in raw_scores(model, rows)]

    return score


def load_scorer(folder: Path) -> ScoreTexts:
    """The scorer of the reward model that a stage saved in `folder`."""
    model, tokenizer, text_format = load_reward_model(folder)
    return text_scorer(model.to(pick_device()), tokenizer, text_format, RewardScale.load(folder))
