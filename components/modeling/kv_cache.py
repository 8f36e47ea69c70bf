"""Keys and values of sampled sequences, in memory taken once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import Cache, PretrainedConfig
from transformers.cache_utils import CacheLayerMixin

from components.modeling.kernel_sizes import round_up
from components.modeling.packing import Packed


class SlotCache(Cache):
    """Slots for B sequences: prompts end side by side at slot `width`, and sampled tokens follow.

    The prompts come packed, in one row; the tokens after them one a sequence. Sequences that are done are
    dropped with `keep`.
    """

    def __init__(self, config: PretrainedConfig, prompts: Packed, room: int, step: int = 1) -> None:
        """Args: room: how many tokens may follow the prompts; step: slots are shown by so many at once."""
        self.width = prompts.longest
        self.used = self.width
        self.total = self.width + room
        self.step = step
        rows = torch.arange(len(prompts.lengths), device=prompts.ids.device).repeat_interleave(
            prompts.lengths
        )
        slots = prompts.positions[0] + (self.width - prompts.lengths)[rows]
        layers = config.get_text_config().num_hidden_layers
        super().__init__(layers=[_SlotLayer(self, rows, slots, self.total) for _ in range(layers)])

    @property
    def shown(self) -> int:
        """How many slots the next query looks at; those not in use are for the mask to hide."""
        return min(round_up(self.used, self.step), self.total)

    def advance(self) -> None:
        """Make the next slot the one that is written."""
        self.used += 1

    def keep(self, rows: Tensor) -> None:
        """Drop all sequences but those at the indices `rows`."""
        for layer in self.layers:
            layer.keys, layer.values = layer.keys[rows], layer.values[rows]


class _SlotLayer(CacheLayerMixin):
    """One layer's keys and values, each [B, H, slots, D]."""

    is_sliding = False

    def __init__(self, cache: SlotCache, rows: Tensor, slots: Tensor, total: int) -> None:
        super().__init__()
        self.cache, self.rows, self.slots, self.total = cache, rows, slots, total

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        count = int(self.rows[-1]) + 1
        # Zeros, not whatever memory held: a masked slot's value is multiplied by 0, and 0 * NaN is NaN.
        self.keys, self.values = (
            states.new_zeros(count, states.shape[1], self.total, states.shape[3])
            for states in (key_states, value_states)
        )
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys[self.rows, :, self.slots] = key_states[0].transpose(0, 1)
            self.values[self.rows, :, self.slots] = value_states[0].transpose(0, 1)
            return key_states, value_states
        used = self.cache.used
        self.keys[:, :, used - 1] = key_states[:, :, 0]
        self.values[:, :, used - 1] = value_states[:, :, 0]
        shown = self.cache.shown
        return self.keys[:, :, :shown], self.values[:, :, :shown]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.cache.shown, 0

    def get_seq_length(self) -> int:
        return self.cache.used

    def get_max_length(self) -> int:
        return self.total
