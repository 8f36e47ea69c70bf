"""Answers that were rated one by one: stars by an ordinal loss, thumbs by a pointwise one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.text_format import TextFormat
from components.objectives.rating_losses import MIN_GAP, ordered_thresholds, ordinal_loss, pointwise_loss
from components.records import Rating
from components.training.encoding import Encoded, encode_pairs

if TYPE_CHECKING:
    from components.config import RewardParams

#: The module that holds the thresholds between stars while the model learns.
NAME = "rating_thresholds"


@dataclass(frozen=True)
class EncodedRating:
    """A rated answer as token ids.

    Attributes:
        rating: in [0, 1]; levels: of its scale, 0 for thumbs.
        weight: how much it counts beside an average pair.
    """

    answer: Encoded
    rating: float
    levels: int
    weight: float

    @property
    def answers(self) -> tuple[Encoded, ...]:
        return (self.answer,)


def encode_ratings(
    tokenizer: Any, text_format: TextFormat, ratings: Sequence[Rating], params: RewardParams
) -> list[EncodedRating]:
    weights = {"rating": params.rating_weight, "thumbs": params.thumbs_weight}
    prompts, responses = [row.prompt for row in ratings], [row.response for row in ratings]
    return [
        EncodedRating(answer, row.rating, 0 if row.kind == "thumbs" else row.levels, weights[row.kind])
        for answer, row in zip(encode_pairs(tokenizer, text_format, prompts, responses), ratings, strict=True)
    ]


def attach_thresholds(model: PreTrainedModel, rated: Sequence[EncodedRating]) -> None:
    """Give the model free thresholds for each scale that answers were rated on, to be learned with it.

    They start where a score of 0 predicts how often each level was given.
    """
    scales = sorted({row.levels for row in rated} - {0})
    starts = {
        str(levels): _start(levels, [row for row in rated if row.levels == levels]) for levels in scales
    }
    model.add_module(NAME, torch.nn.ParameterDict(starts).to(model.device))


def detach_thresholds(model: PreTrainedModel) -> None:
    """Take them off: they turn scores into stars, and no score hangs on them."""
    delattr(model, NAME)


def rating_loss(model: PreTrainedModel, rated: Sequence[EncodedRating], scores: Tensor, count: int) -> Tensor:
    """Sum over rated answers of weight * loss / count.

    Args:
        scores: [N] of the answers; count: judgements of the whole minibatch.
    """
    # Every threshold takes part in every loss: processes that share a minibatch must reach the same weights.
    total = scores.new_zeros(()) + sum(0.0 * free.float().sum() for free in getattr(model, NAME).values())
    for levels in sorted({row.levels for row in rated}):
        places = [place for place, row in enumerate(rated) if row.levels == levels]
        total = total + _loss_on(model, levels, [rated[i] for i in places], scores[places], count)
    return total


def _loss_on(
    model: PreTrainedModel, levels: int, rated: Sequence[EncodedRating], scores: Tensor, count: int
) -> Tensor:
    """The loss of ratings on one scale."""
    ratings = torch.tensor([row.rating for row in rated], device=scores.device)
    weight = torch.tensor([row.weight for row in rated], device=scores.device)
    if levels == 0:
        return pointwise_loss(scores, ratings, weight, count)
    lower, upper, share = _levels_of(ratings, levels)
    thresholds = ordered_thresholds(getattr(model, NAME)[str(levels)].float())
    return ordinal_loss(scores, lower, thresholds, weight * (1 - share), count) + ordinal_loss(
        scores, upper, thresholds, weight * share, count
    )


def _levels_of(ratings: Tensor, levels: int) -> tuple[Tensor, Tensor, Tensor]:
    """The levels [N] below and above each rating, and how far it is from the one to the other.

    A mean of several people's ratings may lie between two levels; it counts as both in proportion.
    """
    places = ratings * (levels - 1)
    # Rounding may put a whole level a hair below itself.
    places = torch.where((places - places.round()).abs() < 1e-4, places.round(), places)
    lower = places.floor().long()
    return lower, (lower + 1).clamp(max=levels - 1), places - lower


def _start(levels: int, rated: Sequence[EncodedRating]) -> Tensor:
    """The free parameters [levels - 1] of thresholds at the logits of the cumulative shares, each level seen once more.

    Inverts `ordered_thresholds`.
    """
    lower, upper, share = _levels_of(torch.tensor([row.rating for row in rated]), levels)
    counts = torch.ones(levels).index_add(0, lower, 1 - share).index_add(0, upper, share)
    thresholds = torch.logit(counts.cumsum(0)[:-1] / counts.sum())
    gaps = (thresholds.diff() - MIN_GAP).clamp(min=MIN_GAP)
    return torch.cat([thresholds[:1], gaps + torch.log(-torch.expm1(-gaps))])
