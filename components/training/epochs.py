"""What SFT, reward modelling and DPO share: batches of rows of like length over some epochs, and their optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedModel

from components.training.batching import length_grouped_batches
from components.training.optimization import Optimization

if TYPE_CHECKING:
    from components.config import SupervisedParams


def plan_epochs(
    model: PreTrainedModel, lengths: Sequence[int], params: SupervisedParams, seed: int
) -> tuple[list[list[int]], Optimization]:
    """The indices of each optimizer step, and the optimizer whose schedule ends with the last of them.

    Args:
        lengths: of the rows, in tokens.
    """
    generator = torch.Generator().manual_seed(seed)
    epochs = [length_grouped_batches(lengths, params.batch_size, generator) for _ in range(params.epochs)]
    batches = [batch for epoch in epochs for batch in epoch]
    optimization = Optimization(
        model,
        params.learning_rate,
        len(batches),
        warmup_share=params.warmup_share,
        weight_decay=params.weight_decay,
    )
    return batches, optimization


def count_steps(rows: int, params: SupervisedParams) -> int:
    """How many optimizer steps `rows` rows make."""
    return params.epochs * -(-rows // params.batch_size)
