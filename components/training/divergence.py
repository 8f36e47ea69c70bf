"""How far a policy has moved from its reference."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from components.objectives.kl import k1
from components.training.batching import fixed_batches
from components.training.encoding import Encoded, collate
from components.training.forward import next_token_logprobs

ROWS_AT_ONCE = 64


@torch.no_grad()
def sequence_kl(
    policy: PreTrainedModel,
    reference: PreTrainedModel,
    rows: Sequence[Encoded],
    pad_id: int,
    temperature: float,
) -> list[float]:
    """Per response, the sum over its tokens of log policy - log reference, in nats.

    The mean over responses that the policy sampled at this temperature estimates KL(policy || reference).
    """
    sums: list[float] = []
    for indices in fixed_batches(len(rows), ROWS_AT_ONCE):
        batch = collate([rows[i] for i in indices], pad_id, policy.device)
        kl = k1(
            next_token_logprobs(policy, batch, temperature),
            next_token_logprobs(reference, batch, temperature),
        )
        sums.extend(torch.where(batch.response_mask[:, 1:], kl, 0.0).sum(dim=1).tolist())
    return sums
