"""Sequences of uneven lengths laid end to end in one row: no padding is computed.

A row of N tokens holds B sequences. Positions restart at 0 in each, and attention stays inside each
(components/modeling/attention.py), so every token sees what it would see alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.errors import ModelError
from components.modeling.kernel_sizes import TOKENS, compiles_each_size

#: Two sequences of unlike length, of tokens that every vocabulary has.
PROBE = ([3, 4, 5, 6, 7], [7, 5, 3])
#: Relative difference that rounding explains; a token that sees another sequence moves far more.
PROBE_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Layout:
    """Where B sequences lie in a row of N tokens, and where in a [B, L] table, L the longest.

    Attributes:
        cells: [N], the cell of the flattened table that each token of the row has.
        tokens: [B * L], the token of the row for each cell; 0 where the cell is padding.
    """

    count: int
    longest: int
    cells: Tensor
    tokens: Tensor

    @property
    def full(self) -> bool:
        """Whether all sequences are of one length, so that the row is the table."""
        return len(self.cells) == len(self.tokens)


@dataclass(frozen=True)
class Packed:
    """B sequences in one row.

    Attributes:
        ids, positions: [1, N].
        starts, lengths: [B], of each sequence in the row.
    """

    ids: Tensor
    positions: Tensor
    starts: Tensor
    lengths: Tensor
    layout: Layout

    @property
    def last(self) -> Tensor:
        """[B] where the last token of each sequence stands in the row."""
        return self.starts + self.lengths - 1


def pack(sequences: Sequence[Sequence[int]], device: torch.device, step: int = 1) -> Packed:
    """Lay token sequences, none of them empty, end to end.

    Args:
        step: the row is filled up to a multiple of this many tokens, by a sequence that nobody reads.
    """
    count, filler = len(sequences), -sum(map(len, sequences)) % step
    rows = [*sequences, [0] * filler] if filler else sequences
    lengths = torch.tensor([len(row) for row in rows])
    starts = lengths.cumsum(0) - lengths
    ids = torch.tensor([token for row in rows for token in row])
    positions = torch.arange(len(ids)) - starts.repeat_interleave(lengths)
    return Packed(
        ids=ids.unsqueeze(0).to(device),
        positions=positions.unsqueeze(0).to(device),
        starts=starts[:count].to(device),
        lengths=lengths[:count].to(device),
        layout=_layout(lengths, positions, device),
    )


def pack_for(model: PreTrainedModel, sequences: Sequence[Sequence[int]]) -> Packed:
    """A row for `model`, of a size that it computes without delay."""
    return pack(sequences, model.device, TOKENS if compiles_each_size(model) else 1)


def _layout(lengths: Tensor, positions: Tensor, device: torch.device) -> Layout:
    count, longest = len(lengths), int(lengths.max())
    cells = torch.arange(count).repeat_interleave(lengths) * longest + positions
    tokens = torch.zeros(count * longest, dtype=torch.long)
    tokens[cells] = torch.arange(len(cells))
    return Layout(count, longest, cells.to(device), tokens.to(device))


def model_inputs(packed: Packed) -> dict[str, Any]:
    """The keyword arguments with which any causal model of transformers reads a packed row.

    A mask of four dimensions is passed through as it is, so no N x N mask is built; the registered attention
    reads the layout instead.
    """
    return {
        "input_ids": packed.ids,
        "position_ids": packed.positions,
        "attention_mask": packed.ids.new_ones((1, 1, 1, 1), dtype=torch.bool),
        "layout": packed.layout,
        "use_cache": False,
    }


def hidden_states(model: PreTrainedModel, packed: Packed) -> Tensor:
    """[N, d] the trunk's last hidden states."""
    states: Tensor = model.base_model(**model_inputs(packed)).last_hidden_state
    return states.squeeze(0)


@torch.no_grad()
def check_packing(model: PreTrainedModel) -> None:
    """Make sure that a packed row gives each sequence the states it has alone.

    Raises:
        ModelError: it does not; some models bring an attention of their own, or mix tokens in other ways.
    """
    try:
        apart = _states_are_equal(model)
    except (ValueError, TypeError, RuntimeError) as error:
        raise _refusal(model, f"cannot read sequences packed into one row: {error}") from None
    if not apart:
        raise _refusal(model, "does not keep sequences apart that share a row")


def _states_are_equal(model: PreTrainedModel) -> bool:
    together = hidden_states(model, pack(PROBE, model.device))
    rows = [torch.tensor([ids], device=model.device) for ids in PROBE]
    alone = torch.cat([model.base_model(input_ids=row).last_hidden_state[0] for row in rows])
    return bool((together - alone).abs().max() <= PROBE_TOLERANCE * alone.abs().max())


def _refusal(model: PreTrainedModel, what: str) -> ModelError:
    return ModelError(
        f"{type(model).__name__} {what}",
        "use a decoder whose attention goes through transformers' interface, such as GPT-2, Llama or Qwen",
    )
