"""What is drawn for each sequence, turn by turn, and kept at the rows of the prompts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from components.modeling.exploration import Exploration, behaviour

#: From hidden states [b, d] to a value each: the value head of a shared trunk.
ValueHead = Callable[[Tensor], Tensor]


class Reading(NamedTuple):
    """What a model says at the last token of b sequences.

    Attributes:
        logits: [b, V], for the next token; hidden: [b, d], the trunk's states behind them.
    """

    logits: Tensor
    hidden: Tensor


class Turns:
    """Draws tokens for those of B prompts that are carried, and keeps what it drew.

    A turn may be a tensor [1] as well as a number, and nothing asks the device for a value: the work of a turn can be
    recorded and played again (components/modeling/cuda_graphs.py).

    Attributes:
        tokens: [B, T + 1], the pad id after the end; logprobs, behaviour: [B, T + 1], 0 after the end; the last
            column of these three is no token of a response. values: [B, T + 1], 0 after the end and without a head.
    """

    def __init__(
        self, dice: Tensor, explore: Exploration, eos_id: int, pad_id: int, head: ValueHead | None
    ) -> None:
        """Args: dice: [B, T], one for each token that may be drawn."""
        self.limit = dice.shape[1]
        self.eos_id = eos_id
        self._pad_id = pad_id
        self._explore = explore
        self._head = head
        # After the last token there may still be a value, and a draw beside it that is for nothing.
        self._dice = F.pad(dice, (0, 1))
        self.tokens = torch.full_like(self._dice, pad_id, dtype=torch.long)
        self.logprobs, self.behaviour, self.values = (torch.zeros_like(self._dice) for _ in range(3))

    @property
    def feeds(self) -> int:
        """How many tokens of a response the model reads: the last one only for its value."""
        return self.limit - (self._head is None)

    def take(self, rows: Tensor, going: Tensor, reading: Reading, turn: int | Tensor) -> Tensor:
        """Draw a token for each carried sequence; kept are those of the sequences that go on.

        Args:
            rows: [b], of the prompts that are carried; going: [b], which of them are not done.

        Returns:
            the tokens [b].
        """
        self.look(rows, going, reading, turn)
        tokens, logprobs, drawn_from = _draw(reading.logits, self._dice[rows, turn], self._explore)
        self.tokens[rows, turn] = tokens.masked_fill(~going, self._pad_id)
        self.logprobs[rows, turn] = logprobs.masked_fill(~going, 0.0)
        self.behaviour[rows, turn] = drawn_from.masked_fill(~going, 0.0)
        return tokens

    def look(self, rows: Tensor, going: Tensor, reading: Reading, turn: int | Tensor) -> None:
        """Keep the values of the states before this turn's tokens."""
        if self._head is not None:
            self.values[rows, turn] = self._head(reading.hidden).float().masked_fill(~going, 0.0)


def _draw(logits: Tensor, dice: Tensor, explore: Exploration) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens [b], and their logprobs [b] under the policy and under the distribution they were drawn from."""
    policy = torch.log_softmax(logits.float() / explore.temperature, dim=-1)
    drawn_from = policy if explore.on_policy else behaviour(policy, explore)
    cumulative = drawn_from.exp().cumsum(-1)
    # The sum differs from 1 by rounding: the die is a share of it, and less than all of it.
    total = cumulative[:, -1:]
    marks = torch.minimum(dice.unsqueeze(1) * total, total.nextafter(torch.zeros_like(total)))
    tokens = torch.searchsorted(cumulative, marks, right=True)
    return tokens[:, 0], policy.gather(1, tokens)[:, 0], drawn_from.gather(1, tokens)[:, 0]
