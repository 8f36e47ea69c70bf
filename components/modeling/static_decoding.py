"""Decoding in tensors of fixed size and place, whose step can be recorded once and played again.

On a GPU the kernels of one step of a small model take less time than the host needs to launch them. So here a step
does the same thing every time and asks the host nothing: what changes lies in tensors that are written in place.
Only now and then the host looks which sequences are done, drops them, and shows more slots.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Protocol

import torch
from transformers import PreTrainedModel

from components.modeling.decoding import going_first, prompt_slots, read_prompts, read_tokens
from components.modeling.kernel_sizes import round_up
from components.modeling.packing import Packed
from components.modeling.static_cache import StaticCache, move_up
from components.modeling.turns import Reading, Turns

#: Slots are shown by so many at once: each new number of them is another shape.
SHOWN_AT_ONCE = 128
#: Tokens between two looks at who is done.
LOOK_EVERY = 8
#: Sequences are dropped when this share of those carried, or less, would be left, rounded up to a multiple.
SHARE_LEFT, ROUNDED_TO = 0.5, 8


class RunStep(Protocol):
    """Runs steps of decoding."""

    def __call__(self, step: Callable[[], None], shape: Hashable) -> None:
        """Run a step, which launches the same kernels on the same memory whenever its `shape` is the same."""


def run_plainly(step: Callable[[], None], shape: Hashable) -> None:
    step()


def decode_static(
    model: PreTrainedModel, prompts: Packed, turns: Turns, run_step: RunStep = run_plainly
) -> None:
    """Decode in few shapes. For models whose layers all look back to the first token."""
    decoder = StaticDecoder(model, prompts, turns)
    for turn in range(1, turns.feeds + 1):
        if turn % LOOK_EVERY == 0 and not decoder.drop_done():
            return
        decoder.cache.advance()
        run_step(decoder.step, decoder.shape)


class StaticDecoder:
    """A model amid answering B prompts. Of its tensors the first rows count, as many as are carried."""

    def __init__(self, model: PreTrainedModel, prompts: Packed, turns: Turns) -> None:
        count, device = len(prompts.lengths), prompts.ids.device
        self.model, self.turns = model, turns
        self.cache = StaticCache(model.config, prompts, turns.limit, SHOWN_AT_ONCE)
        self._rows = torch.arange(count, device=device)
        self._going = torch.ones(count, dtype=torch.bool, device=device)
        self._tokens = torch.zeros_like(self._rows)
        self._positions = prompts.lengths.clone()
        self._mask = prompt_slots(self.cache, prompts)
        self._turn = torch.zeros(1, dtype=torch.long, device=device)
        self._take(read_prompts(model, prompts, self.cache))

    @property
    def shape(self) -> tuple[int, int]:
        """Sequences that are carried, and slots that they look at."""
        return self.cache.slots.count, self.cache.slots.shown

    def step(self) -> None:
        """Feed the tokens drawn last, and draw the next."""
        count, shown = self.shape
        self._mask.index_fill_(1, self.cache.newest, True)
        mask = self._mask[:count, :shown]
        reading = read_tokens(self.model, self._tokens[:count], self._positions[:count], mask, self.cache)
        for counter in (self._positions, self.cache.newest, self._turn):
            counter.add_(1)
        self._take(reading)

    def drop_done(self) -> bool:
        """Carry fewer sequences if it is worth it; whether any goes on."""
        count = self.cache.slots.count
        left = int(self._going[:count].sum())
        rounded = round_up(left, ROUNDED_TO)
        if 0 < rounded <= SHARE_LEFT * count:
            kept = going_first(self._going[:count], rounded)
            for table in (self._rows, self._going, self._tokens, self._positions, self._mask):
                move_up(table, kept)
            self.cache.keep(kept)
        return left > 0

    def _take(self, reading: Reading) -> None:
        """Draw from what was read; who draws an end is done."""
        count = self.cache.slots.count
        going = self._going[:count]
        tokens = self.turns.take(self._rows[:count], going, reading, self._turn)
        self._tokens[:count].copy_(tokens)
        going.logical_and_(tokens != self.turns.eos_id)
