"""Supervised start: the policy learns to answer as the demonstrations do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedModel

from components.objectives.masking import masked_mean, masked_sum
from components.progress import Log
from components.training.batching import fixed_batches
from components.training.encoding import Encoded, collate
from components.training.epochs import plan_epochs
from components.training.forward import next_token_logprobs

if TYPE_CHECKING:
    from components.config import SupervisedParams


def train_sft(
    model: PreTrainedModel,
    rows: Sequence[Encoded],
    pad_id: int,
    params: SupervisedParams,
    seed: int,
    log: Log,
) -> None:
    """Teach `model`, in place, the responses of `rows`: cross-entropy over response tokens alone."""
    batches, optimization = plan_epochs(model, [len(row) for row in rows], params, seed)
    for step, indices in enumerate(batches, start=1):
        batch = collate([rows[i] for i in indices], pad_id, model.device)
        loss = masked_mean(-next_token_logprobs(model, batch), batch.response_mask[:, 1:])
        norm = optimization.step(loss)
        optimization.advance()
        log({"loss": loss.item(), "grad_norm": norm, "learning_rate": optimization.learning_rate}, step)


@torch.no_grad()
def response_loss(model: PreTrainedModel, rows: Sequence[Encoded], pad_id: int, batch_size: int) -> float:
    """Mean negative logprob, in nats, of all response tokens of `rows`: sum over tokens / token count."""
    total, count = 0.0, 0
    for indices in fixed_batches(len(rows), batch_size):
        batch = collate([rows[i] for i in indices], pad_id, model.device)
        mask = batch.response_mask[:, 1:]
        total -= float(masked_sum(next_token_logprobs(model, batch), mask))
        count += int(mask.sum())
    return total / count
