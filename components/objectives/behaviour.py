"""The distribution that tokens are really drawn from, where it is not the policy's own."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def mixed_logprobs(logprobs: Tensor, vocab_size: int, epsilon: float) -> Tensor:
    """log((1 - epsilon) * p + epsilon / vocab_size): with probability epsilon a token is drawn uniformly.

    This is what a ratio has to divide by, where the tokens came from such a mixture of the sampler's policy.

    Args:
        logprobs: any shape, log p of a token under the policy (-inf is fine).
        epsilon: in [0, 1); at 0 the input itself is returned.
    """
    if epsilon == 0.0:
        return logprobs
    uniform = torch.full_like(logprobs, math.log(epsilon / vocab_size))
    return torch.logaddexp(logprobs + math.log1p(-epsilon), uniform)
