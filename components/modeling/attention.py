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
    tables = zip(_tables(query, layout), _tables(key, layout), _tables(value, layout), strict=True)
    attended = [attend(q, k, v, _window(q.shape[2], sliding_window, q.device), scaling) for q, k, v in tables]
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


def _tables(states: Tensor, layout: Layout) -> list[Tensor]:
    """[1, H, N, D] -> [B, H, L, D] of each table, contiguous, as matrix products read it."""
    cells: Tensor = _Spread.apply(states, layout)  # type: ignore[no-untyped-call]
    heads, width = states.shape[1], states.shape[3]
    sizes = [count * heads * longest for count, longest in layout.tables]
    parts = zip(torch.split(cells, sizes), layout.tables, strict=True)
    return [part.view(count, heads, longest, width) for part, (count, longest) in parts]


def _row(tables: Sequence[Tensor], layout: Layout) -> Tensor:
    """[B, H, L, D] of each table -> [1, N, H, D]."""
    heads, width = tables[0].shape[1], tables[0].shape[3]
    parts = [table.reshape(-1, width) for table in tables]
    cells = torch.cat(parts) if len(parts) > 1 else parts[0]
    row: Tensor = _Gather.apply(cells, layout, heads)  # type: ignore[no-untyped-call]
    return row.view(1, -1, heads, width)


class _Spread(torch.autograd.Function):
    """[1, H, N, D] -> [C * H, D], each head of each cell where `Layout.addresses` says, in one pass over memory.

    A token has one cell, or few: the gradient is a lookup of each, where autograd would add up.
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, layout: Layout) -> Tensor:
        rows, token_step, head_step = _rows(states)
        ctx.layout, ctx.heads = layout, states.shape[1]
        return rows.index_select(0, layout.sources(states.shape[1], token_step, head_step))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        layout, heads = ctx.layout, ctx.heads
        row = gradient.index_select(0, layout.answers(heads)).view(-1, heads, gradient.shape[1])
        for tokens, cells in layout.copies:
            found = gradient.index_select(0, layout.addresses(heads)[cells].view(-1))
            # Each token once in a copy, so nothing is written twice.
            row.index_copy_(0, tokens, row.index_select(0, tokens) + found.view(-1, *row.shape[1:]))
        return row.transpose(0, 1).unsqueeze(0), None


class _Gather(torch.autograd.Function):
    """[C * H, D] -> [N, H, D]; padding gets no gradient, nor do the copies of a token, from which nothing is taken."""

    @staticmethod
    def forward(ctx: Any, cells: Tensor, layout: Layout, heads: int) -> Tensor:
        ctx.answers, ctx.count = layout.answers(heads), len(cells)
        return cells.index_select(0, ctx.answers).view(-1, heads, cells.shape[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        rows = gradient.reshape(-1, gradient.shape[-1])
        return rows.new_zeros(ctx.count, rows.shape[1]).index_copy_(0, ctx.answers, rows), None, None


def _rows(states: Tensor) -> tuple[Tensor, int, int]:
    """[1, H, N, D] as rows of D numbers, without a copy where memory has them so.

    Returns:
        the rows, and how many rows lie between a token and the next, and between a head and the next.
    """
    _, heads, tokens, width = states.shape
    steps = states.stride(2), states.stride(1)
    if states.stride(3) != 1 or any(step % width for step in steps):
        states = states.contiguous()
        steps = states.stride(2), states.stride(1)
    token_step, head_step = (step // width for step in steps)
    count = 1 + (tokens - 1) * token_step + (heads - 1) * head_step
    return states.as_strided((count, width), (width, 1)), token_step, head_step
