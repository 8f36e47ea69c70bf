"""Losses on pairs of answers with soft labels: reward modelling and DPO."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from components.objectives.masking import Count, weighted_mean


def bradley_terry_loss(
    margins: Tensor,
    probability: Tensor,
    weight: Tensor,
    margin: Tensor | None = None,
    count: Count = None,
) -> Tensor:
    """Cross-entropy of "the first answer is better" under P = sigmoid(margin) (Ouyang 2022, eq. 1, soft labels).

    With d the margin reached and m the margin asked for, the loss of a pair is
    p * -log sigmoid(d - m) + (1 - p) * -log sigmoid(-d - m): whoever is preferred must lead by m (Touvron 2023,
    2307.09288, eq. 2, which is p = 1). It is symmetric in the two answers, and a tie is still best at d = 0.

    Args:
        margins: [N], score of the first answer minus score of the second.
        probability: [N], share of people who preferred the first; 0.5 is a tie.
        weight: [N], how much each pair counts; of mean 1 over the training set, not over the batch.
        margin: [N], >= 0, by how much the preferred answer should lead; None is 0.
        count: pairs of the whole minibatch; None: of this call.

    Returns:
        scalar, the sum of weight * loss / count.
    """
    first, second = (margins, -margins) if margin is None else (margins - margin, -margins - margin)
    losses = -probability * F.logsigmoid(first) - (1.0 - probability) * F.logsigmoid(second)
    return weighted_mean(losses, weight, count)


def centering_loss(
    chosen_scores: Tensor, rejected_scores: Tensor, weight: Tensor | None = None, count: Count = None
) -> Tensor:
    """(score of one answer + score of the other)^2: keeps scores around 0 (Eisenstein 2023, 2312.09244, eq. 2).

    Args:
        chosen_scores, rejected_scores, weight: [N]. count: as in `bradley_terry_loss`.
    """
    return weighted_mean((chosen_scores + rejected_scores).square(), weight, count)


def dpo_margins(
    chosen_logprobs: Tensor, rejected_logprobs: Tensor, ref_chosen: Tensor, ref_rejected: Tensor, beta: float
) -> Tensor:
    """The margin that DPO puts through the Bradley-Terry loss (Rafailov 2023, eq. 7).

    Args:
        each [N]: the logprob of a whole response, summed over its tokens, under the policy or the reference.
    """
    return beta * ((chosen_logprobs - ref_chosen) - (rejected_logprobs - ref_rejected))
