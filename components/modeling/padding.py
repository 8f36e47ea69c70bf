"""Padded batches, for models that cannot read sequences packed into one row."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel


def padded_scores(model: PreTrainedModel, sequences: Sequence[Sequence[int]]) -> Tensor:
    """[B] the one logit of a sequence classifier, by its own forward pass over a padded table."""
    rows = [torch.tensor(sequence, device=model.device) for sequence in sequences]
    ids = pad_sequence(rows, batch_first=True, padding_value=model.config.pad_token_id)
    mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
    logits: Tensor = model(input_ids=ids, attention_mask=mask).logits
    return logits.squeeze(-1).float()
