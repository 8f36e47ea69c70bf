"""Losses on pairs of answers with soft labels: reward modelling and DPO."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def bradley_terry_loss(margins: Tensor, probability: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy of "the first answer is better" under P = sigmoid(margin) (Ouyang 2022, eq. 1, soft labels).

    Args:
        margins: [N], score of the first answer minus score of the second.
        probability: [N], share of people who preferred the first; 0.5 is a tie.
        weight: [N], how much each pair counts; of mean 1 over the training set, not over the batch, so that a
            batch of light pairs moves the model less.

    Returns:
        scalar, the mean of weight * loss.
    """
    loss = -probability * F.logsigmoid(margins) - (1.0 - probability) * F.logsigmoid(-margins)
    return (weight * loss).mean()


def centering_loss(chosen_scores: Tensor, rejected_scores: Tensor) -> Tensor:
    """Mean of (score of one answer + score of the other)^2: keeps scores around 0 (Eisenstein 2023, eq. 2)."""
    return (chosen_scores + rejected_scores).square().mean()


def dpo_margins(
    chosen_logprobs: Tensor, rejected_logprobs: Tensor, ref_chosen: Tensor, ref_rejected: Tensor, beta: float
) -> Tensor:
    """The margin that DPO puts through the Bradley-Terry loss (Rafailov 2023, eq. 7).

    Args:
        each [N]: the logprob of a whole response, summed over its tokens, under the policy or the reference.
    """
    return beta * ((chosen_logprobs - ref_chosen) - (rejected_logprobs - ref_rejected))
