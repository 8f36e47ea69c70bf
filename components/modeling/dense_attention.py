"""Softmax attention over a table, by the kernel that is fastest where it runs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

#: Beyond this many keys the table of scores costs more than the slow kernel.
MOST_KEYS = 1024
#: Bytes of scores that a CPU's cache is taken to hold.
CACHE = 8 * 2**20


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float | None) -> Tensor:
    """[B, H, Q, D] what each query gathers from the keys it sees.

    Args:
        query: [B, H, Q, D]; key, value: [B, K, L, D], where K divides H.
        mask: broadcasts to [B, 1, Q, L], True where a query sees a key; None: causal, Q = L.
        scale: of the scores; None: 1 / sqrt(D).
    """
    batch, heads, queries, width = query.shape
    if mask is not None and queries == 1:
        # Query heads that share keys are so many queries of one head: nothing is repeated.
        query = query.reshape(batch, key.shape[1], -1, width)
    key, value = _all_heads(key, query), _all_heads(value, query)
    by = _by_matmul if matmul_is_faster(query, key) else _fused
    return by(query, key, value, mask, scale).reshape(batch, heads, queries, width)


def _fused(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float | None) -> Tensor:
    return F.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, is_causal=mask is None, scale=scale
    )


def matmul_is_faster(query: Tensor, key: Tensor) -> bool:
    """On a CPU, as long as the scores stay in its cache; in bfloat16 the fused kernel is far slower in any case.

    Measured by benchmarks/attention.py: forward with backward in float32 takes 10 to 35 % less where the scores fit,
    and more where they do not; in bfloat16 half to a fifth.
    """
    if query.device.type != "cpu":
        return False
    if query.dtype == torch.bfloat16:
        return key.shape[2] <= MOST_KEYS
    return query.shape[:3].numel() * key.shape[2] * query.element_size() <= CACHE


def _by_matmul(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float | None) -> Tensor:
    batch, heads, queries, width = query.shape
    rows, keys = batch * heads, key.shape[2]
    bias = _bias(mask, batch, heads, queries, keys, query).reshape(rows, queries, keys)
    scores = torch.baddbmm(
        bias,
        query.reshape(rows, -1, width),
        key.reshape(rows, keys, width).transpose(1, 2),
        alpha=width**-0.5 if scale is None else scale,
    )
    gathered = torch.bmm(scores.softmax(dim=-1), value.reshape(rows, keys, width))
    return gathered.view(batch, heads, queries, width)


def _bias(mask: Tensor | None, batch: int, heads: int, queries: int, keys: int, like: Tensor) -> Tensor:
    """[B, H, Q, L] 0 where a key is seen, minus infinity elsewhere."""
    if mask is None:
        mask = torch.ones(queries, keys, dtype=torch.bool, device=like.device).tril()
    bias = like.new_zeros(mask.shape).masked_fill(~mask, float("-inf"))
    return bias.expand(batch, heads, queries, keys)


def _all_heads(shared: Tensor, query: Tensor) -> Tensor:
    """Keys or values repeated for the query heads that share them."""
    groups = query.shape[1] // shared.shape[1]
    return shared if groups == 1 else shared.repeat_interleave(groups, dim=1)
