"""Reward modelling: one score for an answer, such that preferred answers score higher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.logprobs import sequence_scores
from components.modeling.text_format import TextFormat
from components.objectives.preference_losses import bradley_terry_loss, centering_loss
from components.progress import Log
from components.records import Preference
from components.training.encoding import Encoded, collate, encode_pairs
from components.training.epochs import plan_epochs

if TYPE_CHECKING:
    from components.config import RewardParams


@dataclass(frozen=True)
class EncodedPair:
    """A preference as token ids."""

    chosen: Encoded
    rejected: Encoded
    probability: float
    weight: float

    def __len__(self) -> int:
        return max(len(self.chosen), len(self.rejected))


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
    model: PreTrainedModel,
    pairs: Sequence[EncodedPair],
    pad_id: int,
    params: RewardParams,
    seed: int,
    log: Log,
) -> None:
    """Teach `model`, in place, to score preferred answers higher (Bradley-Terry with soft labels)."""
    batches, optimization = plan_epochs(model, [len(pair) for pair in pairs], params, seed)
    for step, indices in enumerate(batches, start=1):
        loss, accuracy = _loss(model, [pairs[i] for i in indices], pad_id, params.centering)
        norm = optimization.step(loss)
        optimization.advance()
        log({"loss": loss.item(), "accuracy": accuracy, "grad_norm": norm}, step)


def _loss(
    model: PreTrainedModel, pairs: Sequence[EncodedPair], pad_id: int, centering: float
) -> tuple[Tensor, float]:
    rows = [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]
    batch = collate(rows, pad_id, model.device)
    chosen, rejected = sequence_scores(model, batch.ids, batch.mask).chunk(2)
    probability = torch.tensor([pair.probability for pair in pairs], device=model.device)
    weight = torch.tensor([pair.weight for pair in pairs], device=model.device)
    preference_loss = bradley_terry_loss(chosen - rejected, probability, weight)
    accuracy = (chosen > rejected).float().mean().item()
    return preference_loss + centering * centering_loss(chosen, rejected), accuracy
