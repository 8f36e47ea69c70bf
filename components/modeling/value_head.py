"""A critic that shares the policy's trunk: one linear layer on the states that the policy computes anyway."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import PreTrainedModel

NAME = "value_head"


def attach_value_head(model: PreTrainedModel) -> None:
    """Give a policy a value head, zero at first: its first values are 0 and say nothing wrong."""
    width = model.get_output_embeddings().weight.shape[1]
    head = torch.nn.Linear(width, 1, device=model.device, dtype=model.dtype)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    model.add_module(NAME, head)


def detach_value_head(model: PreTrainedModel) -> None:
    """Take the head off, so that what is saved is a causal LM and nothing else."""
    delattr(model, NAME)


def values_of(model: PreTrainedModel, states: Tensor) -> Tensor:
    """[M] float32 values of hidden states [M, d]."""
    values: Tensor = getattr(model, NAME)(states).squeeze(-1)
    return values.float()
