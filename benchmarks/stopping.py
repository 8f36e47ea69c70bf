"""How much EOS must weigh so that responses end by themselves at realistic lengths."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: Far below and above any weight that is searched for.
LEAST, MOST = -1e3, 1e3


def mean_length(stops: Tensor) -> float:
    """Expected tokens, EOS included, of responses that are cut at L tokens.

    Args:
        stops: [N, L] the probability that EOS comes next, had it not come before.
    """
    reached = (1.0 - stops).cumprod(dim=1)[:, :-1]
    return 1.0 + reached.sum(dim=1).mean().item()


def stopping_weight(log_odds: Callable[[float], Tensor], length: float) -> float:
    """The weight with which responses have this many tokens on average.

    Which words are sampled does not depend on the weight as long as EOS is not among them: one set of responses
    without an end tells the mean length under every weight.

    Args:
        log_odds: [N, L] of EOS against all words at each token of such responses, for a weight; grows with it.
    """
    low, high = LEAST, MOST
    for _ in range(100):
        middle = (low + high) / 2.0
        longer = mean_length(torch.sigmoid(log_odds(middle).double())) > length
        low, high = (middle, high) if longer else (low, middle)
    return high
