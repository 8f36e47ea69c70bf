"""The same activation function in one kernel instead of seven."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel
from transformers.activations import NewGELUActivation


def fuse_activations(model: PreTrainedModel) -> None:
    """Let torch compute GPT-2's tanh approximation of GELU (Hendrycks 2016), which transformers spells out.

    The values are the same to rounding; nothing of it is saved with the model.
    """
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, torch.nn.GELU(approximate="tanh"))
