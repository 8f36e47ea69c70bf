"""Estimators of KL(policy || reference) from the logprobs of sampled tokens.

John Schulman, "Approximating KL divergence" (2020): with log-ratio d = log policy - log reference at a token that
the policy sampled, k1 = d, k3 = exp(-d) - 1 + d. k1 and k3 are unbiased; k3 is never negative.
"""

from __future__ import annotations

import torch
from torch import Tensor


def k1(logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """Any shape; unbiased, may be negative at a token. Inside a reward it must not be clamped at 0."""
    return logprobs - ref_logprobs


def k3(logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """Any shape; unbiased and >= 0."""
    log_ratio = logprobs - ref_logprobs
    return torch.exp(-log_ratio) - 1.0 + log_ratio
