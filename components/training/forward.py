"""One forward pass over right-padded prompts with responses, as training and evaluation both need it."""

from __future__ import annotations

from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.logprobs import position_ids, token_logprobs
from components.training.encoding import TokenBatch


def next_token_logprobs(model: PreTrainedModel, batch: TokenBatch, temperature: float = 1.0) -> Tensor:
    """[B, L - 1] logprob of each token but the first, given those before it."""
    logits = model(
        input_ids=batch.ids,
        attention_mask=batch.mask.long(),
        position_ids=position_ids(batch.mask),
        use_cache=False,
    ).logits
    return token_logprobs(logits[:, :-1].float(), batch.ids[:, 1:], temperature)
