"""Sampling responses from a policy: packed prompts, a cache taken once, nothing computed for long for what is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.cuda_graphs import can_be_recorded, decode_recorded
from components.modeling.decoding import decode_dropping
from components.modeling.exploration import Exploration
from components.modeling.packing import Packed, pack
from components.modeling.turns import Turns, ValueHead

#: Answers all of the prompts, turn by turn.
Decode = Callable[[PreTrainedModel, Packed, Turns], None]


@dataclass(frozen=True)
class Samples:
    """Responses to B prompts, T the longest.

    Attributes:
        tokens: [B, T], the pad id after the end.
        mask: [B, T], True up to and including the first EOS.
        ended: [B], whether the response has an EOS; False: it was cut by length.
        logprobs: [B, T], of each token under the policy at its temperature; 0 after the end.
        behaviour: [B, T], of each token under the distribution it was drawn from; 0 after the end.
        values: [B, T + 1], of the state before each token and after the last; 0 after an EOS and without a head.
    """

    tokens: Tensor
    mask: Tensor
    ended: Tensor
    logprobs: Tensor
    behaviour: Tensor
    values: Tensor


def draw_dice(count: int, max_tokens: int, generator: torch.Generator) -> Tensor:
    """[count, max_tokens] one number in [0, 1) for each token that may be sampled.

    Every sequence has its own, so what is sampled for it does not hang on what shares its batch or its process.
    """
    return torch.rand(count, max_tokens, generator=generator)


@torch.no_grad()
def sample(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    dice: Tensor,
    *,
    explore: Exploration,
    eos_id: int,
    pad_id: int,
    value_head: ValueHead | None = None,
    decode: Decode | None = None,
) -> Samples:
    """Sample one response a prompt, each token where its die falls in the cumulative distribution.

    Args:
        prompts: B rows of token ids, none of them empty.
        dice: [B, T] of `draw_dice`; T is the most tokens a response may have.
        value_head: reads the hidden states that sampling computes anyway.
        decode: how; None: as is fastest.
    """
    turns = Turns(dice.to(model.device), explore, eos_id, pad_id, value_head)
    (decode or fastest_decode(model))(model, pack(prompts, model.device), turns)
    return _samples(turns)


def fastest_decode(model: PreTrainedModel) -> Decode:
    """A GPU waits for the host to launch its kernels, unless it plays recordings; a CPU for the arithmetic."""
    return decode_recorded if can_be_recorded(model) else decode_dropping


def _samples(turns: Turns) -> Samples:
    is_eos = (turns.tokens[:, : turns.limit] == turns.eos_id).long()
    # True while no EOS stands before the token: the first EOS itself is real.
    mask = (is_eos.cumsum(dim=1) - is_eos) == 0
    steps = int(mask.sum(dim=1).max())
    return Samples(
        tokens=turns.tokens[:, :steps],
        mask=mask[:, :steps],
        ended=is_eos.any(dim=1),
        logprobs=turns.logprobs[:, :steps],
        behaviour=turns.behaviour[:, :steps],
        values=turns.values[:, : steps + 1],
    )
