"""Keys and values in tensors that stay where they are, written at a slot that a tensor names."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import PretrainedConfig

from components.modeling.kernel_sizes import round_up
from components.modeling.kv_cache import SlotCache, SlotLayer, Slots
from components.modeling.packing import Packed

#: The kernels of attention read masks by so many slots at once.
ALIGNED = 16


class StaticCache(SlotCache):
    """As `SlotCache`; its sequences are always the first of those it has memory for.

    Attributes:
        newest: [1], the slot that the next token is written at.
    """

    def __init__(self, config: PretrainedConfig, prompts: Packed, room: int, step: int) -> None:
        """Args: step: slots are shown by so many at once, so that shapes are few."""
        width = prompts.longest
        self.newest = torch.tensor([width], device=prompts.ids.device)
        super().__init__(config, prompts, round_up(width + room, ALIGNED) - width, step)

    def _make_layer(self, places: tuple[Tensor, Tensor]) -> SlotLayer:
        return _StaticLayer(self.slots, places, self.newest)

    def keep(self, rows: Tensor) -> None:
        self.slots.count = len(rows)
        for layer in self.layers:
            move_up(layer.keys, rows)
            move_up(layer.values, rows)


class _StaticLayer(SlotLayer):
    """One layer of a `StaticCache`."""

    def __init__(self, slots: Slots, places: tuple[Tensor, Tensor], newest: Tensor) -> None:
        super().__init__(slots, places)
        self.newest = newest

    def append(self, key_states: Tensor, value_states: Tensor) -> tuple[Tensor, Tensor]:
        keys, values = self.keys[: self.slots.count], self.values[: self.slots.count]
        keys.index_copy_(2, self.newest, key_states)
        values.index_copy_(2, self.newest, value_states)
        return keys[:, :, : self.slots.shown], values[:, :, : self.slots.shown]


def move_up(table: Tensor, rows: Tensor) -> None:
    """Write the rows at these indices over the first ones, in place."""
    table[: len(rows)] = table[rows]
