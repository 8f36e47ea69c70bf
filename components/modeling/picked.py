"""The logprob of the token that was picked, and its gradient in one pass over the logits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def picked_logprobs(logits: Tensor, tokens: Tensor, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
    """Logprobs of tokens under softmax(logits / temperature), in float32 whatever the logits are in.

    Args:
        logits: [M, V], not used again by the caller; tokens: [M].

    Returns:
        logprobs [M], with a gradient, and entropies [M] in nats, without.
    """
    return _Picked.apply(logits, tokens, temperature)  # type: ignore[no-untyped-call]


class _Picked(torch.autograd.Function):
    """Keeps one [M, V] table, the probabilities, which in the backward pass becomes the gradient itself."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, tokens: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        scaled = logits.float() if temperature == 1.0 else logits.float() / temperature
        table = torch.log_softmax(scaled, dim=-1)
        picked = table.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
        probabilities = table.exp()
        entropy = -table.mul_(probabilities).sum(dim=-1)
        ctx.probabilities, ctx.tokens, ctx.temperature = probabilities, tokens, temperature
        ctx.dtype = logits.dtype
        ctx.mark_non_differentiable(entropy)
        return picked, entropy

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor, None, None]:
        # d logprob / d logit = (1 at the picked token, else 0) - probability, over the temperature.
        share = (gradient / ctx.temperature).unsqueeze(-1)
        table = ctx.probabilities.mul_(-share)
        ctx.probabilities = None
        table.scatter_add_(-1, ctx.tokens.unsqueeze(-1), share)
        return table.to(ctx.dtype), None, None
