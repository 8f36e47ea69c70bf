"""One token after another for many sequences at once, until each is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.hidden import head_inputs
from components.modeling.kernel_sizes import SEQUENCES, SLOTS, compiles_each_size, round_up
from components.modeling.kv_cache import SlotCache
from components.modeling.packing import Packed, model_inputs
from components.modeling.turns import Reading, Turns

#: Done sequences are dropped when they are this share of those carried: dropping copies the cache.
DROP_SHARE = 0.125


def decode_dropping(model: PreTrainedModel, prompts: Packed, turns: Turns) -> None:
    """Compute no more than must be: done sequences are dropped at once, and no empty slot is looked at.

    For every model. Tensors change their size at every token, so each kernel is launched by itself.
    """
    for _ in turn_by_turn(model, prompts, turns):
        pass


class Drawn(NamedTuple):
    """A turn of b carried sequences.

    Attributes:
        rows: [b], which prompts they answer; going: [b], which of them are not done; tokens: [b], drawn for these.
    """

    rows: Tensor
    going: Tensor
    tokens: Tensor


def turn_by_turn(model: PreTrainedModel, prompts: Packed, turns: Turns) -> Iterator[Drawn]:
    """What `decode_dropping` does, with a stop after each turn to look at what was drawn, or to leave."""
    decoder = Decoder(model, prompts, turns.limit)
    for turn in range(turns.limit):
        tokens = turns.take(decoder.rows, decoder.going, decoder.reading, turn)
        yield Drawn(decoder.rows, decoder.going, tokens)
        decoder.end(tokens == turns.eos_id)
        if decoder.left == 0 or turn == turns.feeds:
            return
        decoder.feed(tokens)
    turns.look(decoder.rows, decoder.going, decoder.reading, turns.limit)


class Decoder:
    """A model amid answering B prompts.

    Attributes:
        rows: [b], which prompts the carried sequences answer.
        going: [b], which of them are not done; left: how many these are.
        reading: of the last token of each.
    """

    def __init__(self, model: PreTrainedModel, prompts: Packed, room: int) -> None:
        """Args: room: the most tokens that may follow a prompt."""
        count, device = len(prompts.lengths), prompts.ids.device
        self.model = model
        self._rounds = compiles_each_size(model)
        # A window counts back from the newest slot, so nothing may be shown after that.
        step = SLOTS if self._rounds and not has_windows(model) else 1
        self.cache = SlotCache(model.config, prompts, room, step)
        self.rows = torch.arange(count, device=device)
        self.going = torch.ones(count, dtype=torch.bool, device=device)
        self.left = count
        self._positions = prompts.lengths
        self._mask = prompt_slots(self.cache, prompts)
        self.reading = read_prompts(model, prompts, self.cache)

    def end(self, done: Tensor) -> None:
        """Take note that the sequences where `done` [b] is true are complete with the token drawn last."""
        self.going = self.going & ~done
        self.left = int(self.going.sum())

    def feed(self, tokens: Tensor) -> None:
        """Append a token [b] to each carried sequence. Some go on; what is done is carried until it is much."""
        count = min(round_up(self.left, SEQUENCES), len(self.going)) if self._rounds else self.left
        if count <= (1.0 - DROP_SHARE) * len(self.going):
            tokens = tokens[self._keep_going(count)]
        self.cache.advance()
        self._mask[:, self.cache.slots.used - 1] = True
        mask = self._mask[:, : self.cache.slots.shown]
        self.reading = read_tokens(self.model, tokens, self._positions, mask, self.cache)
        self._positions = self._positions + 1

    def _keep_going(self, count: int) -> Tensor:
        """Drop what is done but for what fills up `count`; returns the indices of what is kept."""
        kept = going_first(self.going, count)
        self.rows, self.going = self.rows[kept], self.going[kept]
        self._positions, self._mask = self._positions[kept], self._mask[kept]
        self.cache.keep(kept)
        return kept


def has_windows(model: PreTrainedModel) -> bool:
    """Whether any layer looks back only so far."""
    return getattr(model.config.get_text_config(), "sliding_window", None) is not None


def prompt_slots(cache: SlotCache, prompts: Packed) -> Tensor:
    """[B, slots] which slots hold a prompt's tokens."""
    slots = torch.arange(cache.slots.total, device=prompts.ids.device)
    begins = (cache.width - prompts.lengths).unsqueeze(1)
    return (slots >= begins) & (slots < cache.width)


def going_first(going: Tensor, count: int) -> Tensor:
    """[count] indices of the sequences that go on and of as many done ones as fill the count, in their old order."""
    return (~going).int().argsort(stable=True)[:count].sort().values


def read_prompts(model: PreTrainedModel, prompts: Packed, cache: SlotCache) -> Reading:
    inputs = model_inputs(prompts) | {"past_key_values": cache, "use_cache": True}
    return _read(model, **inputs, logits_to_keep=prompts.last)


def read_tokens(
    model: PreTrainedModel, tokens: Tensor, positions: Tensor, mask: Tensor, cache: SlotCache
) -> Reading:
    """Args: tokens, positions: [b], one more of each sequence; mask: [b, slots], which slots it looks at."""
    return _read(
        model,
        input_ids=tokens.unsqueeze(1),
        position_ids=positions.unsqueeze(1),
        attention_mask=mask[:, None, None],
        past_key_values=cache,
        use_cache=True,
    )


def _read(model: PreTrainedModel, **inputs: object) -> Reading:
    with head_inputs(model) as seen:
        logits = model(**inputs).logits
    logits = logits.view(-1, logits.shape[-1])
    return Reading(logits, seen[0].reshape(len(logits), -1))
