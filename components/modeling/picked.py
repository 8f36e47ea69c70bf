"""The logprob of the token that was picked, and its gradient in one pass over the logits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

#: Numbers of a table that are worked on at once on a CPU.
IN_CACHE = 1 << 17


def picked_logprobs(logits: Tensor, tokens: Tensor, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
    """Logprobs of tokens under softmax(logits / temperature), in float32 whatever the logits are in.

    Args:
        logits: [M, V], not used again by the caller; tokens: [M].

    Returns:
        logprobs [M], with a gradient, and entropies [M] in nats, without.
    """
    return _Picked.apply(logits, tokens, temperature)  # type: ignore[no-untyped-call]


class _Picked(torch.autograd.Function):
    """Keeps one [M, V] table, the probabilities, which in the backward pass becomes the gradient itself.

    Some rows at a time: what lies between logits and probabilities stays in the cache, and is no table of its own.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, tokens: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        picked, entropy = (logits.new_empty(len(logits), dtype=torch.float32) for _ in range(2))
        probabilities = torch.empty_like(logits, dtype=torch.float32) if ctx.needs_input_grad[0] else None
        for rows in _parts(logits):
            scaled = logits[rows].float() if temperature == 1.0 else logits[rows].float() / temperature
            table = torch.log_softmax(scaled, dim=-1)
            picked[rows] = table.gather(-1, tokens[rows].unsqueeze(-1)).squeeze(-1)
            share = torch.exp(table, out=None if probabilities is None else probabilities[rows])
            entropy[rows] = -table.mul_(share).sum(dim=-1)
        ctx.probabilities, ctx.tokens, ctx.temperature = probabilities, tokens, temperature
        ctx.dtype = logits.dtype
        ctx.mark_non_differentiable(entropy)
        return picked, entropy

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor, None, None]:
        # d logprob / d logit = (1 at the picked token, else 0) - probability, over the temperature.
        share = (gradient / ctx.temperature).unsqueeze(-1)
        table, ctx.probabilities = ctx.probabilities, None
        found = table if ctx.dtype == torch.float32 else torch.empty_like(table, dtype=ctx.dtype)
        for rows in _parts(table):
            part = table[rows].mul_(-share[rows])
            part.scatter_add_(-1, ctx.tokens[rows].unsqueeze(-1), share[rows])
            if found is not table:
                found[rows] = part
        return found, None, None


def _parts(table: Tensor) -> Iterator[slice]:
    """Rows that go together: on a CPU those that its cache holds, on a GPU all."""
    count = max(1, IN_CACHE // table.shape[1] if table.device.type == "cpu" else len(table))
    return (slice(start, start + count) for start in range(0, len(table), count))
