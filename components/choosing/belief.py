"""What reward models believe of pairs, and how far more labels would change it.

Two doubts add up. Within a model: its last layer would be another one had other labels come in (Laplace's
approximation, so that one reward model is enough). Between models: the members of an ensemble differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.choosing.pool import AnswerPair
from components.errors import ModelError
from components.modeling.loading import has_scalar_head
from components.modeling.packing import states_at
from components.objectives.information import head_covariance
from components.records import Preference
from components.training.encoding import Encoded, encode_pairs
from components.training.forward import in_parts, pack_rows, scalars
from components.training.scoring import Member, Scorer

#: Of more preferences this many stand for all: each passes through the model twice.
MOST_TAUGHT = 10_000


@dataclass(frozen=True)
class Belief:
    """A normal distribution over the margins of N pairs, in log-odds.

    Attributes:
        mean: [N], above 0 where the first answer is thought better.
        factors: [R, N], F^T F is the covariance.
    """

    mean: Tensor
    factors: Tensor


def believe(scorer: Scorer, taught: Sequence[Preference], pairs: Sequence[AnswerPair]) -> Belief:
    """The belief of a reward model, or of an ensemble, in the margins of pairs.

    Args:
        taught: the preferences that it has learned from.

    Raises:
        ModelError: it is one model whose last layer is no linear head: nothing tells what it is unsure of.
    """
    # What was calibrated is the mean of normalised scores (components/stages/fitting.py).
    odds = scorer.unit / scorer.temperature
    beliefs = [_believe(member, odds / member.scale.std, taught, pairs) for member in scorer.members]
    means = torch.stack([belief.mean for belief in beliefs])
    mean = means.mean(dim=0)
    parts = [belief.factors for belief in beliefs] + ([means - mean] if len(beliefs) > 1 else [])
    factors = torch.cat(parts) / len(beliefs) ** 0.5
    if not len(factors):
        raise ModelError(
            "one reward model that is no decoder does not tell what it is unsure of",
            "set reward_model.ensemble to 2 or more in params.yaml",
        )
    return Belief(mean, factors)


def _believe(
    member: Member, odds: float, taught: Sequence[Preference], pairs: Sequence[AnswerPair]
) -> Belief:
    """Args: odds: calibrated log-odds in a difference of 1 between two of its raw scores."""
    rows = [(pair.prompt, side) for pair in pairs for side in (pair.first, pair.second)]
    if not has_scalar_head(member.model):
        scores = torch.tensor(member.scores(*zip(*rows, strict=True)), dtype=torch.float64) * member.scale.std
        return Belief((scores[0::2] - scores[1::2]) * odds, scores.new_zeros(0, len(pairs)))
    differences, mean = _differences(member, rows)
    covariance = _head_covariance(member, taught)
    return Belief(mean * odds, covariance @ differences.T * odds)


def _head_covariance(member: Member, taught: Sequence[Preference]) -> Tensor:
    kept = taught[:: -(-len(taught) // MOST_TAUGHT)] if taught else taught
    rows = [(row.prompt, side) for row in kept for side in (row.chosen, row.rejected)]
    differences, margins = _differences(member, rows)
    weights = torch.tensor([row.weight for row in kept], dtype=torch.float64)
    # Not of mean 1 as in the loss: a pair that weighs little tells little, however many there are.
    weights *= sum(row.weight for row in taught) / weights.sum()
    # What the head starts with is the prior: std 1 / sqrt(d + 1), components/modeling/loading.py.
    return head_covariance(differences, margins.sigmoid(), weights, differences.shape[1] + 1)


@torch.no_grad()
def _differences(member: Member, rows: Sequence[tuple[str, str]]) -> tuple[Tensor, Tensor]:
    """[N, d] states of the first answer of each pair minus those of the second, and [N] the margins.

    Args:
        rows: [2 N] prompt and answer, those of a pair one after the other.
    """
    places = {row: place for place, row in enumerate(dict.fromkeys(rows))}
    prompts, answers = zip(*places, strict=True)
    states = last_states(member.model, encode_pairs(member.tokenizer, member.text_format, prompts, answers))
    scores = scalars(member.model, states).double().cpu()
    states = states.double().cpu()
    first, second = [places[row] for row in rows[0::2]], [places[row] for row in rows[1::2]]
    return states[first] - states[second], scores[first] - scores[second]


def last_states(model: PreTrainedModel, rows: Sequence[Encoded]) -> Tensor:
    """[B, d] the state that the scalar head reads of each row."""

    def measure(part: list[Encoded]) -> Sequence[Tensor]:
        packed = pack_rows(model, part)
        return states_at(model, packed, packed.last).unbind()

    return torch.stack(in_parts(rows, measure))
