"""Sampling responses from a policy: packed prompts, a cache taken once, nothing computed for long for what is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.decoding import Decoder
from components.modeling.exploration import Exploration, behaviour
from components.modeling.packing import pack

#: From hidden states [b, d] to a value each: the value head of a shared trunk.
ValueHead = Callable[[Tensor], Tensor]


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
) -> Samples:
    """Sample one response a prompt, each token where its die falls in the cumulative distribution.

    Args:
        prompts: B rows of token ids, none of them empty.
        dice: [B, T] of `draw_dice`; T is the most tokens a response may have.
        value_head: reads the hidden states that sampling computes anyway.
    """
    dice = dice.to(model.device)
    limit = dice.shape[1]
    record = _Record(len(prompts), limit, pad_id, model.device)
    decoder = Decoder(model, pack(prompts, model.device), limit)
    for step in range(limit):
        record.values(decoder, step, value_head)
        tokens, logprobs, drawn_from = _draw(decoder.logits, dice[decoder.rows, step], explore)
        record.tokens(decoder, step, tokens, logprobs, drawn_from)
        is_last = step == limit - 1 and value_head is None
        if is_last or bool((~decoder.going | (tokens == eos_id)).all()):
            break
        decoder.feed(tokens, done=tokens == eos_id)
    else:
        record.values(decoder, limit, value_head)
    return record.samples(eos_id)


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


class _Record:
    """What was sampled so far, at the rows of the prompts."""

    def __init__(self, count: int, limit: int, pad_id: int, device: torch.device) -> None:
        self._tokens = torch.full((count, limit), pad_id, device=device)
        self._logprobs = torch.zeros(count, limit, device=device)
        self._behaviour = torch.zeros(count, limit, device=device)
        self._values = torch.zeros(count, limit + 1, device=device)
        self._steps = 0

    def values(self, decoder: Decoder, step: int, head: ValueHead | None) -> None:
        if head is not None:
            going = decoder.going
            self._values[decoder.rows[going], step] = head(decoder.hidden)[going].float()

    def tokens(self, decoder: Decoder, step: int, tokens: Tensor, logprobs: Tensor, drawn: Tensor) -> None:
        going = decoder.going
        rows = decoder.rows[going]
        self._tokens[rows, step] = tokens[going]
        self._logprobs[rows, step] = logprobs[going]
        self._behaviour[rows, step] = drawn[going]
        self._steps = step + 1

    def samples(self, eos_id: int) -> Samples:
        steps = self._steps
        tokens = self._tokens[:, :steps]
        is_eos = (tokens == eos_id).long()
        # True while no EOS stands before the token: the first EOS itself is real.
        mask = (is_eos.cumsum(dim=1) - is_eos) == 0
        return Samples(
            tokens=tokens,
            mask=mask,
            ended=is_eos.any(dim=1),
            logprobs=self._logprobs[:, :steps],
            behaviour=self._behaviour[:, :steps],
            values=self._values[:, : steps + 1],
        )
