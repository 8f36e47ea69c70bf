"""Sampling responses from a policy, with its key-value cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from components.modeling.logprobs import position_ids


@dataclass(frozen=True)
class Samples:
    """Responses to B prompts.

    Attributes:
        tokens: [B, T], the pad id after the end.
        mask: [B, T], True up to and including the first EOS.
        ended: [B], whether the response has an EOS; False: it was cut by length.
    """

    tokens: Tensor
    mask: Tensor
    ended: Tensor


@torch.no_grad()
def sample(
    model: PreTrainedModel,
    prompt_ids: Tensor,
    prompt_mask: Tensor,
    *,
    max_tokens: int,
    temperature: float,
    eos_id: int,
    pad_id: int,
    generator: torch.Generator,
) -> Samples:
    """Sample one response a row from softmax(logits / temperature).

    Args:
        prompt_ids, prompt_mask: [B, P], padded on the left.
        generator: on the model's device; the only source of randomness.
    """
    cache = DynamicCache()
    mask, ids, positions = prompt_mask, prompt_ids, position_ids(prompt_mask)
    ended = torch.zeros(len(prompt_ids), dtype=torch.bool, device=prompt_ids.device)
    tokens: list[Tensor] = []
    while len(tokens) < max_tokens and not bool(ended.all()):
        logits = _next_logits(model, ids, mask, positions, cache)
        drawn = _draw(logits, temperature, generator)
        tokens.append(torch.where(ended, pad_id, drawn))
        ended = ended | (drawn == eos_id)
        ids, positions = drawn.unsqueeze(1), positions[:, -1:] + 1
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
    return _samples(torch.stack(tokens, dim=1), eos_id, ended)


def _next_logits(model: PreTrainedModel, ids: Tensor, mask: Tensor, positions: Tensor, cache: Any) -> Tensor:
    output = model(
        input_ids=ids,
        attention_mask=mask.long(),
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return output.logits[:, -1].float()


def _draw(logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    probabilities = torch.softmax(logits / temperature, dim=-1)
    return torch.multinomial(probabilities, 1, generator=generator).squeeze(1)


def _samples(tokens: Tensor, eos_id: int, ended: Tensor) -> Samples:
    is_eos = (tokens == eos_id).long()
    # True while no EOS stands before the token: the first EOS itself is real.
    mask = (is_eos.cumsum(dim=1) - is_eos) == 0
    return Samples(tokens, mask, ended)
