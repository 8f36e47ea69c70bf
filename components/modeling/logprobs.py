"""Logprobs of given responses under a policy, and values or scores under a scalar head."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.loading import scalar_head


def position_ids(mask: Tensor) -> Tensor:
    """[B, L] positions counted from the first real token, so that left padding moves nothing."""
    return (mask.long().cumsum(dim=1) - 1).clamp_min(0)


def response_logits(model: PreTrainedModel, input_ids: Tensor, mask: Tensor, response_length: int) -> Tensor:
    """[B, T, V] logits that predict the last T = `response_length` tokens; no others are computed."""
    output = model(
        input_ids=input_ids,
        attention_mask=mask.long(),
        position_ids=position_ids(mask),
        logits_to_keep=response_length + 1,
        use_cache=False,
    )
    return output.logits[:, :-1].float()


def token_logprobs(logits: Tensor, tokens: Tensor, temperature: float) -> Tensor:
    """[B, T] logprob of each token under softmax(logits / temperature).

    Args:
        logits: [B, T, V]; tokens: [B, T].
    """
    scaled = logits / temperature
    picked = scaled.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
    return picked - scaled.logsumexp(dim=-1)


def response_logprobs(
    model: PreTrainedModel, input_ids: Tensor, mask: Tensor, response_length: int, temperature: float = 1.0
) -> Tensor:
    """[B, T] logprobs of the last T tokens of each row; what stands at masked tokens is meaningless."""
    logits = response_logits(model, input_ids, mask, response_length)
    return token_logprobs(logits, input_ids[:, -response_length:], temperature)


def entropies(logits: Tensor, temperature: float) -> Tensor:
    """[B, T] entropy in nats of softmax(logits / temperature); logits [B, T, V]."""
    logprobs = torch.log_softmax(logits / temperature, dim=-1)
    return -(logprobs.exp() * logprobs).sum(dim=-1)


def scalar_outputs(model: PreTrainedModel, input_ids: Tensor, mask: Tensor) -> Tensor:
    """[B, L] what the scalar head says at each token: a critic's values, or a reward model's running score."""
    trunk = model.base_model(
        input_ids=input_ids, attention_mask=mask.long(), position_ids=position_ids(mask), use_cache=False
    )
    outputs: Tensor = scalar_head(model)(trunk.last_hidden_state).squeeze(-1)
    return outputs.float()


def sequence_scores(model: PreTrainedModel, input_ids: Tensor, mask: Tensor) -> Tensor:
    """[B] the scalar head at the last real token of each row, on whichever side the padding is."""
    positions = torch.arange(mask.shape[1], device=mask.device)
    last = (mask * positions).argmax(dim=1)
    rows = torch.arange(len(mask), device=mask.device)
    return scalar_outputs(model, input_ids, mask)[rows, last]
