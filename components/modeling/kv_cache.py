"""Keys and values of sampled sequences, in memory taken once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, PretrainedConfig
from transformers.cache_utils import CacheLayerMixin

from components.modeling.kernel_sizes import round_up
from components.modeling.packing import Packed


@dataclass
class Slots:
    """What all layers of a cache share. They hold this and not the cache: in a cycle memory would outlive its use.

    Attributes:
        count: sequences that are carried; total: slots that each has.
        used: slots that hold a token, those left of a short prompt included; step: they are shown by so many at once.
    """

    count: int
    total: int
    used: int
    step: int

    @property
    def shown(self) -> int:
        """How many slots the next query looks at; those not in use are for the mask to hide."""
        return min(round_up(self.used, self.step), self.total)


class SlotCache(Cache):
    """Slots for B sequences: prompts end side by side at slot `width`, and sampled tokens follow.

    The prompts come packed, in one row; the tokens after them one a sequence. Sequences that are done are
    dropped with `keep`.
    """

    def __init__(self, config: PretrainedConfig, prompts: Packed, room: int, step: int = 1) -> None:
        """Args: room: how many tokens may follow the prompts; step: slots are shown by so many at once."""
        self.width = prompts.longest
        self.slots = Slots(len(prompts.lengths), self.width + room, used=self.width, step=step)
        layers = config.get_text_config().num_hidden_layers
        places = _places(prompts)
        super().__init__(layers=[self._make_layer(places) for _ in range(layers)])

    def _make_layer(self, places: tuple[Tensor, Tensor]) -> SlotLayer:
        return SlotLayer(self.slots, places)

    def advance(self) -> None:
        """Make the next slot the one that is written."""
        self.slots.used += 1

    def keep(self, rows: Tensor) -> None:
        """Drop all sequences but those at the indices `rows`."""
        self.slots.count = len(rows)
        for layer in self.layers:
            layer.keys, layer.values = layer.keys[rows], layer.values[rows]


def _places(prompts: Packed) -> tuple[Tensor, Tensor]:
    """Row and slot, both [N], of each token of the packed prompts."""
    rows = torch.arange(len(prompts.lengths), device=prompts.ids.device)
    rows = rows.repeat_interleave(prompts.lengths, output_size=prompts.ids.shape[1])
    return rows, prompts.positions[0] + (prompts.longest - prompts.lengths)[rows]


class SlotLayer(CacheLayerMixin):
    """One layer's keys and values, each [B, H, slots, D]."""

    is_sliding = False

    def __init__(self, slots: Slots, places: tuple[Tensor, Tensor]) -> None:
        super().__init__()
        self.slots, self.places = slots, places

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        # Zeros, not whatever memory held: a masked slot's value is multiplied by 0, and 0 * NaN is NaN.
        self.keys, self.values = (
            states.new_zeros(self.slots.count, states.shape[1], self.slots.total, states.shape[3])
            for states in (key_states, value_states)
        )
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            rows, slots = self.places
            self.keys[rows, :, slots] = key_states[0].transpose(0, 1)
            self.values[rows, :, slots] = value_states[0].transpose(0, 1)
            return key_states, value_states
        return self.append(key_states, value_states)

    def append(self, key_states: Tensor, value_states: Tensor) -> tuple[Tensor, Tensor]:
        """Write one token a sequence, [B, H, 1, D] both; returns what its query looks at."""
        used, shown = self.slots.used, self.slots.shown
        self.keys[:, :, used - 1] = key_states[:, :, 0]
        self.values[:, :, used - 1] = value_states[:, :, 0]
        return self.keys[:, :, :shown], self.values[:, :, :shown]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.slots.shown, 0

    def get_seq_length(self) -> int:
        return self.slots.used

    def get_max_length(self) -> int:
        return self.slots.total
