"""Estimators of KL(policy || reference) from the logprobs of sampled tokens.

John Schulman, "Approximating KL divergence" (2020): with log-ratio d = log policy - log reference at a token that
the policy sampled, k1 = d, k2 = d^2 / 2, k3 = exp(-d) - 1 + d. k1 and k3 are unbiased; k2 and k3 are never negative.
"""

from __future__ import annotations

import torch
from torch import Tensor


def k1(logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """Any shape; unbiased, may be negative at a token. Inside a reward it must not be clamped at 0."""
    return logprobs - ref_logprobs


def k2(logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """Any shape; >= 0 and biased. As a loss term, its gradient is the gradient of the KL on policy samples."""
    return 0.5 * (logprobs - ref_logprobs).square()


def k3(logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """Any shape; unbiased and >= 0."""
    log_ratio = logprobs - ref_logprobs
    # exp(-d) - 1 would lose the whole answer in fp32 where d is small, and come out negative at every other token.
    return torch.expm1(-log_ratio) + log_ratio
