"""Advantages of whole responses from the other responses to the same prompt: no critic.

Groups are integers, one per response, equal where the prompt is the same. They may come in any order and be of
different sizes. A group of one has nothing to be compared with: its advantage is 0.
"""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def leave_one_out(scores: Tensor, groups: Tensor) -> Tensor:
    """RLOO: score minus the mean score of the *other* responses of its group (Ahmadian 2024, 2402.14740).

    Args:
        scores: [B]; groups: [B], integers.

    Returns:
        [B]. With k responses in a group it is k / (k - 1) * (score - mean of the group).
    """
    mean, size = _group_means(scores, groups)
    return (scores - mean) * size / (size - 1.0).clamp_min(1.0)


@torch.no_grad()
def group_normalised(scores: Tensor, groups: Tensor, eps: float = 1e-4) -> Tensor:
    """GRPO: (score - mean of the group) / (std of the group + eps) (Shao 2024, 2402.03300, section 4.1.2).

    The paper says "the group standard deviation" and no more. It is the population's here, divided by k: the group is
    all there is, and a group of one has a std (0). The sample's, by k - 1, would make every advantage
    sqrt((k - 1) / k) times as large.

    Args:
        scores: [B]; groups: [B], integers.
        eps: well above the rounding error of a mean, or equal scores would get advantages made of it.
    """
    mean, _ = _group_means(scores, groups)
    centred = scores - mean
    variance, _ = _group_means(centred.square(), groups)
    return centred / (variance.sqrt() + eps)


def spread_over_tokens(sequence_advantages: Tensor, mask: Tensor) -> Tensor:
    """[B] to [B, T]: each real token of a response gets the response's advantage; 0 at masked positions."""
    return torch.where(mask, sequence_advantages.unsqueeze(1), 0.0)


def _group_means(values: Tensor, groups: Tensor) -> tuple[Tensor, Tensor]:
    """Per response, [B]: the mean of `values` over its group, and the size of the group."""
    _, member, sizes = torch.unique(groups, return_inverse=True, return_counts=True)
    size = sizes.to(values.dtype)
    sums = values.new_zeros(len(sizes)).index_add(0, member, values)
    return (sums / size)[member], size[member]
