"""Attention over packed sequences, registered with transformers under a name of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from components.modeling.dense_attention import attend
from components.modeling.layout import Layout
from components.modeling.packing import refusal

NAME = "packed_sdpa"


def use_packed_attention(model: PreTrainedModel) -> None:
    """Let `model` read packed rows; padded batches with a mask still work as before."""
    AttentionInterface.register(NAME, packed_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    try:
        model.set_attn_implementation(NAME)
    except ValueError as error:
        raise refusal(model, f"cannot take another attention function: {error}") from None


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
    # The padding of a table stands right of the real tokens, where causal attention never looks from them.
    tables = (_tables(states, layout) for states in (query, key, value))
    attended = [
        attend(*states, _window(states[0].shape[2], sliding_window, query.device), scaling)
        for states in zip(*tables, strict=True)
    ]
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


def _window(length: int, window: int | None, device: torch.device) -> Tensor | None:
    """[L, L] which keys a query sees where a window narrower than the longest sequence bounds it."""
    if window is None or window >= length:
        return None
    ones = torch.ones(length, length, dtype=torch.bool, device=device)
    return ones.tril() & ~ones.tril(-window)


def _tables(row: Tensor, layout: Layout) -> list[Tensor]:
    """[1, H, N, D] -> [B, H, L, D] of each table."""
    heads, width = row.shape[1], row.shape[3]
    flat = row.squeeze(0).transpose(0, 1)
    flat = flat.reshape(flat.shape[0], heads * width)
    if not layout.is_the_row:
        flat = _Spread.apply(flat, layout)  # type: ignore[no-untyped-call]
    parts = zip(flat.split(layout.sizes), layout.tables, strict=True)
    return [part.view(*shape, heads, width).transpose(1, 2) for part, shape in parts]


def _row(tables: Sequence[Tensor], layout: Layout) -> Tensor:
    """[B, H, L, D] of each table -> [1, N, H, D]."""
    heads, width = tables[0].shape[1], tables[0].shape[3]
    parts = [table.transpose(1, 2).reshape(-1, heads * width) for table in tables]
    flat = torch.cat(parts) if len(parts) > 1 else parts[0]
    if not layout.is_the_row:
        flat = _Gather.apply(flat, layout)  # type: ignore[no-untyped-call]
    return flat.view(1, -1, heads, width)


class _Spread(torch.autograd.Function):
    """Row to cells. A token has one cell, or few: the gradient is a lookup of each, where autograd would add up."""

    @staticmethod
    def forward(ctx: Any, row: Tensor, layout: Layout) -> Tensor:
        ctx.layout = layout
        return row.index_select(0, layout.tokens)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        row = gradient.index_select(0, ctx.layout.cells)
        for tokens, cells in ctx.layout.copies:
            # Each token once in a copy, so nothing is written twice.
            shared = row.index_select(0, tokens) + gradient.index_select(0, cells)
            row.index_copy_(0, tokens, shared)
        return row, None


class _Gather(torch.autograd.Function):
    """Cells to row; padding gets no gradient, nor do the copies of a shared token, from which nothing is taken."""

    @staticmethod
    def forward(ctx: Any, cells: Tensor, layout: Layout) -> Tensor:
        ctx.layout = layout
        return cells.index_select(0, layout.cells)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        cells = gradient.new_zeros(len(ctx.layout.tokens), gradient.shape[1])
        return cells.index_copy_(0, ctx.layout.cells, gradient), None
