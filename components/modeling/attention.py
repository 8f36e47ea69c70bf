"""Attention over packed sequences, registered with transformers under a name of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from components.errors import ModelError
from components.modeling.dense_attention import attend
from components.modeling.packing import Layout

NAME = "packed_sdpa"


def use_packed_attention(model: PreTrainedModel) -> None:
    """Let `model` read packed rows; padded batches with a mask still work as before."""
    AttentionInterface.register(NAME, packed_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    try:
        model.set_attn_implementation(NAME)
    except ValueError as error:
        raise ModelError(
            f"{type(model).__name__} cannot take another attention function: {error}",
            "use a decoder whose attention goes through transformers' interface, such as GPT-2, Llama or Qwen",
        ) from None


def reads_packed_rows(model: PreTrainedModel) -> bool:
    """Whether `use_packed_attention` holds for the model."""
    return bool(model.config._attn_implementation == NAME)


def packed_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    layout: Layout | None = None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Causal attention inside each sequence of a packed row; without a layout, plain attention.

    Args:
        query, key, value: [1, H, N, D], the last two perhaps with fewer heads.

    Returns:
        [1, N, H, D], and no weights.
    """
    if layout is None:
        return _plain(module, query, key, value, attention_mask, scaling, sliding_window, **kwargs)
    # The padding of the table stands right of the real tokens, where causal attention never looks from them.
    attended = attend(
        _table(query, layout),
        _table(key, layout),
        _table(value, layout),
        _window(layout, sliding_window, query.device),
        scaling,
    )
    return _row(attended, layout), None


def _plain(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    scaling: float | None,
    window: int | None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attention of padded batches, and of one new token a sequence."""
    if query.shape[2] > 1 or mask is None:
        return sdpa_attention_forward(module, query, key, value, mask, scaling=scaling, **kwargs)
    if window is not None:
        # The masks of longer queries hold the window already.
        key, value, mask = key[:, :, -window:], value[:, :, -window:], mask[..., -window:]
    return attend(query, key, value, mask, scaling).transpose(1, 2), None


def _window(layout: Layout, window: int | None, device: torch.device) -> Tensor | None:
    """[L, L] which keys a query sees where a window narrower than the longest sequence bounds it."""
    if window is None or window >= layout.longest:
        return None
    ones = torch.ones(layout.longest, layout.longest, dtype=torch.bool, device=device)
    return ones.tril() & ~ones.tril(-window)


def _table(row: Tensor, layout: Layout) -> Tensor:
    """[1, H, N, D] -> [B, H, L, D]."""
    heads, width = row.shape[1], row.shape[3]
    flat = row.squeeze(0).transpose(0, 1)
    flat = flat.reshape(flat.shape[0], heads * width)
    if not layout.full:
        flat = _Spread.apply(flat, layout)  # type: ignore[no-untyped-call]
    return flat.view(layout.count, layout.longest, heads, width).transpose(1, 2)


def _row(table: Tensor, layout: Layout) -> Tensor:
    """[B, H, L, D] -> [1, N, H, D]."""
    heads, width = table.shape[1], table.shape[3]
    flat = table.transpose(1, 2).reshape(layout.count * layout.longest, heads * width)
    if not layout.full:
        flat = _Gather.apply(flat, layout)  # type: ignore[no-untyped-call]
    return flat.view(1, -1, heads, width)


class _Spread(torch.autograd.Function):
    """Row to table. Each token has one cell, so the gradient is a lookup too, where autograd would add up."""

    @staticmethod
    def forward(ctx: Any, row: Tensor, layout: Layout) -> Tensor:
        ctx.layout = layout
        return row.index_select(0, layout.tokens)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient.index_select(0, ctx.layout.cells), None


class _Gather(torch.autograd.Function):
    """Table to row; padding gets no gradient."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, layout: Layout) -> Tensor:
        ctx.layout = layout
        return table.index_select(0, layout.cells)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        table = gradient.new_zeros(len(ctx.layout.tokens), gradient.shape[1])
        return table.index_copy_(0, ctx.layout.cells, gradient), None
