"""Reward modelling: one score for an answer, such that preferred answers score higher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.text_format import TextFormat
from components.objectives.preference_losses import bradley_terry_loss, centering_loss
from components.records import Preference
from components.training.encoding import Encoded, encode_pairs
from components.training.epochs import start_learner, train_epochs
from components.training.forward import sequence_scores
from components.training.learner import Figures
from components.training.run import Run

if TYPE_CHECKING:
    from components.config import RewardParams


@dataclass(frozen=True)
class EncodedPair:
    """A preference as token ids."""

    chosen: Encoded
    rejected: Encoded
    probability: float
    weight: float

    @property
    def tokens(self) -> int:
        return len(self.chosen) + len(self.rejected)


def encode_preferences(
    tokenizer: Any, text_format: TextFormat, preferences: Sequence[Preference]
) -> list[EncodedPair]:
    """Pairs that are the same after truncation say nothing and are left out; weights are brought to mean 1."""
    if not preferences:
        return []
    mean_weight = fmean(preference.weight for preference in preferences)
    prompts = [preference.prompt for preference in preferences]
    chosen = encode_pairs(tokenizer, text_format, prompts, [p.chosen for p in preferences])
    rejected = encode_pairs(tokenizer, text_format, prompts, [p.rejected for p in preferences])
    return [
        EncodedPair(good, bad, preference.probability, preference.weight / mean_weight)
        for good, bad, preference in zip(chosen, rejected, preferences, strict=True)
        if good.response != bad.response
    ]


def train_reward_model(
    model: PreTrainedModel, pairs: Sequence[EncodedPair], params: RewardParams, run: Run
) -> None:
    """Teach `model`, in place, to score preferred answers higher (Bradley-Terry with soft labels)."""

    def loss_of(batch: Sequence[int]) -> Callable[[Sequence[int]], Figures]:
        def figures(part: Sequence[int]) -> Figures:
            return _figures(model, [pairs[batch[i]] for i in part], params.centering, len(batch))

        return figures

    learner = start_learner(model, len(pairs), params, run)
    train_epochs(learner, [pair.tokens for pair in pairs], params, run, loss_of)


def _figures(model: PreTrainedModel, pairs: Sequence[EncodedPair], centering: float, count: int) -> Figures:
    chosen, rejected = sequence_scores(model, sides_of(pairs)).chunk(2)
    loss = bradley_terry_loss(chosen - rejected, *labels_of(pairs, chosen.device), count=count)
    right = (chosen > rejected).sum() / count
    return {"loss": loss + centering * centering_loss(chosen, rejected, count=count), "accuracy": right}


def sides_of(pairs: Sequence[EncodedPair]) -> list[Encoded]:
    """All chosen answers, then all rejected ones."""
    return [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]


def labels_of(pairs: Sequence[EncodedPair], device: torch.device) -> tuple[Tensor, Tensor]:
    """Probability and weight of each pair, both [N]."""
    probability = torch.tensor([pair.probability for pair in pairs], device=device)
    return probability, torch.tensor([pair.weight for pair in pairs], device=device)
