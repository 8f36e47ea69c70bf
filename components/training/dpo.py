"""DPO on the same pairs: the offline baseline that PPO must be worth its trouble against (Rafailov 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.objectives.preference_losses import bradley_terry_loss, dpo_margins
from components.progress import Log
from components.training.batching import fixed_batches
from components.training.encoding import Encoded, collate
from components.training.epochs import plan_epochs
from components.training.forward import next_token_logprobs
from components.training.reward_model import EncodedPair

if TYPE_CHECKING:
    from components.config import DpoParams

#: Rows of one forward pass over the frozen reference.
ROWS_AT_ONCE = 64


def train_dpo(
    model: PreTrainedModel, pairs: Sequence[EncodedPair], pad_id: int, params: DpoParams, seed: int, log: Log
) -> None:
    """Teach `model`, in place, to prefer what people preferred, with itself before training as the reference."""
    reference = _reference_logprobs(model, pairs, pad_id)
    batches, optimization = plan_epochs(model, [len(pair) for pair in pairs], params, seed)
    for step, indices in enumerate(batches, start=1):
        batch = [pairs[i] for i in indices]
        margins = _margins(model, batch, reference[indices].to(model.device), pad_id, params.beta)
        probability = torch.tensor([pair.probability for pair in batch], device=model.device)
        weight = torch.tensor([pair.weight for pair in batch], device=model.device)
        loss = bradley_terry_loss(margins, probability, weight)
        norm = optimization.step(loss)
        optimization.advance()
        log({"loss": loss.item(), "margin": margins.mean().item(), "grad_norm": norm}, step)


def _margins(
    model: PreTrainedModel, pairs: Sequence[EncodedPair], reference: Tensor, pad_id: int, beta: float
) -> Tensor:
    rows = [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]
    chosen, rejected = _response_sums(model, rows, pad_id).chunk(2)
    return dpo_margins(chosen, rejected, reference[:, 0], reference[:, 1], beta)


@torch.no_grad()
def _reference_logprobs(model: PreTrainedModel, pairs: Sequence[EncodedPair], pad_id: int) -> Tensor:
    """[N, 2] logprobs of the chosen and the rejected response before any update; computed once, so no second model."""
    parts = []
    for indices in fixed_batches(len(pairs), ROWS_AT_ONCE):
        rows = [side for i in indices for side in (pairs[i].chosen, pairs[i].rejected)]
        parts.append(_response_sums(model, rows, pad_id).view(-1, 2).cpu())
    return torch.cat(parts)


def _response_sums(model: PreTrainedModel, rows: Sequence[Encoded], pad_id: int) -> Tensor:
    """[B] logprob of each whole response."""
    batch = collate(rows, pad_id, model.device)
    logprobs = next_token_logprobs(model, batch)
    return torch.where(batch.response_mask[:, 1:], logprobs, 0.0).sum(dim=1)
