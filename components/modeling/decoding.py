"""One token after another for many sequences at once, until each is done."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.hidden import head_inputs
from components.modeling.kernel_sizes import SEQUENCES, SLOTS, compiles_each_size, round_up
from components.modeling.kv_cache import SlotCache
from components.modeling.packing import Packed, model_inputs

#: Done sequences are dropped when they are this share of those carried: dropping copies the cache.
DROP_SHARE = 0.125


class Decoder:
    """A model amid answering B prompts.

    Attributes:
        rows: [b], which prompts the carried sequences answer.
        going: [b], which of them are not done.
        logits: [b, V], for the next token of each.
        hidden: [b, d], the trunk's states behind those logits.
    """

    def __init__(self, model: PreTrainedModel, prompts: Packed, room: int) -> None:
        """Args: room: the most tokens that may follow a prompt."""
        count, device = len(prompts.lengths), prompts.ids.device
        self.model = model
        self._rounds = compiles_each_size(model)
        # A window counts back from the newest slot, so nothing may be shown after that.
        windowed = getattr(model.config.get_text_config(), "sliding_window", None) is not None
        self.cache = SlotCache(model.config, prompts, room, SLOTS if self._rounds and not windowed else 1)
        self.rows = torch.arange(count, device=device)
        self.going = torch.ones(count, dtype=torch.bool, device=device)
        self._positions = prompts.lengths
        slots = torch.arange(self.cache.total, device=device)
        begins = (self.cache.width - prompts.lengths).unsqueeze(1)
        self._mask = (slots >= begins) & (slots < self.cache.width)
        inputs = model_inputs(prompts) | {"use_cache": True}
        self._read(**inputs, logits_to_keep=prompts.last)

    @property
    def finished(self) -> bool:
        return not bool(self.going.any())

    def feed(self, tokens: Tensor, done: Tensor) -> None:
        """Append a token to each carried sequence.

        Args:
            tokens: [b]; done: [b], sequences complete with it: carried on unread until enough can be dropped.
        """
        self.going = self.going & ~done
        if not self.finished and self.going.sum() <= (1.0 - DROP_SHARE) * len(self.going):
            tokens = tokens[self._keep_going()]
        self.cache.advance()
        self._mask[:, self.cache.used - 1] = True
        self._read(
            input_ids=tokens.unsqueeze(1),
            position_ids=self._positions.unsqueeze(1),
            attention_mask=self._mask[:, None, None, : self.cache.shown],
            use_cache=True,
        )
        self._positions = self._positions + 1

    def _read(self, **inputs: object) -> None:
        with head_inputs(self.model) as seen:
            logits = self.model(**inputs, past_key_values=self.cache).logits
        self.logits = logits.view(-1, logits.shape[-1])
        self.hidden = seen[0].reshape(len(self.logits), -1)

    def _keep_going(self) -> Tensor:
        """Drop what is done; returns the indices of what is kept."""
        count = int(self.going.sum())
        if self._rounds:
            count = min(round_up(count, SEQUENCES), len(self.going))
        # Those that go on first, then as many done ones as fill the size; in their old order.
        kept = (~self.going).int().argsort(stable=True)[:count].sort().values
        self.rows, self.going = self.rows[kept], self.going[kept]
        self._positions, self._mask = self._positions[kept], self._mask[kept]
        self.cache.keep(kept)
        return kept
