"""How far sampling strays from the policy: temperature, truncation and uniform tokens."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from components.objectives.behaviour import mixed_logprobs

NEVER = float("-inf")


@dataclass(frozen=True)
class Exploration:
    """The distribution that tokens are drawn from.

    softmax(logits / temperature), its `top_k` likeliest tokens (0: all), of those the likeliest that hold `top_p` of
    the mass that `top_k` has left (Holtzman 2020; 1: all), renormalised, as transformers and vLLM do it; and with
    probability `epsilon` a uniform token instead (epsilon-greedy's idea on a policy that is itself random).
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    epsilon: float = 0.0

    @property
    def truncates(self) -> bool:
        return self.top_k > 0 or self.top_p < 1.0

    @property
    def on_policy(self) -> bool:
        """Whether tokens are drawn from the policy at its temperature and nothing else."""
        return not self.truncates and self.epsilon == 0.0


def behaviour(logprobs: Tensor, explore: Exploration) -> Tensor:
    """[B, V] logprobs of the distribution that tokens are drawn from.

    Args:
        logprobs: [B, V], of the policy at its temperature.
    """
    if explore.truncates:
        logprobs = _truncated(logprobs, explore)
    return mixed_logprobs(logprobs, logprobs.shape[-1], explore.epsilon)


def _truncated(logprobs: Tensor, explore: Exploration) -> Tensor:
    ordered, order = logprobs.sort(dim=-1, descending=True)
    if explore.top_k > 0:
        ordered, order = ordered[..., : explore.top_k], order[..., : explore.top_k]
    if explore.top_p < 1.0:
        mass = ordered.softmax(-1)
        # The mass before a token, so that the one that crosses top_p still counts and the first always does: none lies
        # before it, and what is too small for the tensor's type would be none as well.
        top_p = max(explore.top_p, torch.finfo(mass.dtype).tiny)
        ordered = ordered.masked_fill(mass.cumsum(-1) - mass >= top_p, NEVER)
    return torch.full_like(logprobs, NEVER).scatter_(-1, order, ordered.log_softmax(-1))
