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
from components.training.epochs import follow_plan, learner_for
from components.training.forward import sequence_scores
from components.training.learner import Figures
from components.training.prompt_groups import AnswerTable, plan_lessons
from components.training.rated_answers import (
    EncodedRating,
    attach_thresholds,
    detach_thresholds,
    rating_loss,
)
from components.training.run import Run

if TYPE_CHECKING:
    from components.config import RewardParams


@dataclass(frozen=True)
class EncodedPair:
    """A preference as token ids.

    Attributes:
        margin: by how much the score of whichever is preferred should lead.
    """

    chosen: Encoded
    rejected: Encoded
    probability: float
    weight: float
    margin: float = 0.0

    @property
    def answers(self) -> tuple[Encoded, ...]:
        return self.chosen, self.rejected

    @property
    def tokens(self) -> int:
        return len(self.chosen) + len(self.rejected)


def encode_preferences(
    tokenizer: Any,
    text_format: TextFormat,
    preferences: Sequence[Preference],
    strength_margin: float = 0.0,
) -> list[EncodedPair]:
    """Pairs that are the same after truncation say nothing and are left out; weights are brought to mean 1.

    Args:
        strength_margin: 0: a weak preference is a label near the tie. Above: its label is what people voted, and its
            margin is its strength times this.
    """
    prompts = [preference.prompt for preference in preferences]
    chosen = encode_pairs(tokenizer, text_format, prompts, [p.chosen for p in preferences])
    rejected = encode_pairs(tokenizer, text_format, prompts, [p.rejected for p in preferences])
    kept = [
        (good, bad, preference)
        for good, bad, preference in zip(chosen, rejected, preferences, strict=True)
        if good.response != bad.response
    ]
    mean_weight = fmean(preference.weight for _, _, preference in kept) if kept else 1.0
    return [
        EncodedPair(
            good,
            bad,
            preference.agreement if strength_margin else preference.probability,
            preference.weight / mean_weight,
            strength_margin * preference.margin,
        )
        for good, bad, preference in kept
    ]


def train_reward_model(
    model: PreTrainedModel, judgements: Sequence[EncodedPair | EncodedRating], params: RewardParams, run: Run
) -> None:
    """Teach `model`, in place, to score preferred and well-rated answers higher."""
    # Half of what fits: a unit is never parted, so it must fit after the portions were halved.
    lessons = plan_lessons(judgements, params, run.seed, run.compute.tokens_at_once // 2)

    attach_thresholds(model, [row for row in judgements if isinstance(row, EncodedRating)])
    learner = learner_for(model, len(lessons.plan), params, run)

    def loss_of(batch: Sequence[int]) -> Callable[[Sequence[int]], Figures]:
        def take(part: Sequence[int]) -> list[EncodedPair | EncodedRating]:
            return [judgements[i] for unit in part for i in lessons.units[batch[unit]]]

        whole = take(range(len(batch)))
        pairs = sum(isinstance(judgement, EncodedPair) for judgement in whole)
        return lambda part: _figures(learner.model, take(part), params.centering, len(whole), pairs)

    follow_plan(learner, lessons.tokens, lessons.plan, run, loss_of)
    detach_thresholds(model)


def _figures(
    model: PreTrainedModel,
    judgements: Sequence[EncodedPair | EncodedRating],
    centering: float,
    count: int,
    pairs_count: int,
) -> Figures:
    """Of some judgements of a minibatch of `count`, `pairs_count` of them pairs.

    Bradley-Terry with soft labels, and the losses of rated answers: each judgement counts by its weight.
    """
    table = AnswerTable(judgements)
    scores = sequence_scores(model, table.rows)
    pairs = [row for row in judgements if isinstance(row, EncodedPair)]
    rated = [row for row in judgements if isinstance(row, EncodedRating)]
    chosen = scores[[table.place(pair.chosen) for pair in pairs]]
    rejected = scores[[table.place(pair.rejected) for pair in pairs]]
    margin = torch.tensor([pair.margin for pair in pairs], device=scores.device)
    loss = bradley_terry_loss(chosen - rejected, *labels_of(pairs, scores.device), margin, count)
    loss = loss + centering * centering_loss(chosen, rejected, count=count)
    loss = loss + rating_loss(model, rated, scores[[table.place(row.answer) for row in rated]], count)
    # Not a number where a minibatch has no pair.
    return {"loss": loss, "accuracy": (chosen > rejected).sum() / pairs_count}


def sides_of(pairs: Sequence[EncodedPair]) -> list[Encoded]:
    """All chosen answers, then all rejected ones."""
    return [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]


def labels_of(pairs: Sequence[EncodedPair], device: torch.device) -> tuple[Tensor, Tensor]:
    """Probability and weight of each pair, both [N]."""
    probability = torch.tensor([pair.probability for pair in pairs], device=device)
    return probability, torch.tensor([pair.weight for pair in pairs], device=device)
