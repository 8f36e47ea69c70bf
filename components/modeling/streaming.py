"""Sampling that gives each token as soon as it is drawn, for somebody who reads along."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.decoding import turn_by_turn
from components.modeling.exploration import Exploration
from components.modeling.packing import pack
from components.modeling.turns import Turns


@torch.no_grad()
def stream(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    dice: Tensor,
    *,
    explore: Exploration,
    eos_id: int,
    pad_id: int,
) -> Generator[list[tuple[int, int]]]:
    """Draw the tokens that `sample` draws, by `decode_dropping`, with the same dice.

    Close the generator to stop before the end: nothing more is computed.

    Args:
        prompts: B rows of token ids, none of them empty.
        dice: [B, T] of `draw_dice`; T is the most tokens a response may have.

    Yields:
        each turn's tokens as (row of the prompt, token), for the rows that go on; an EOS is its row's last.
    """
    turns = Turns(dice.to(model.device), explore, eos_id, pad_id, None)
    for rows, going, tokens in turn_by_turn(model, pack(prompts, model.device), turns):
        yield list(zip(rows[going].tolist(), tokens[going].tolist(), strict=True))
