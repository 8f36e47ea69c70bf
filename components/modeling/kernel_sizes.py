"""Few different sizes of matrix products, where each size that is new costs a kernel."""

from __future__ import annotations

import os

import torch
from transformers import PreTrainedModel

#: Tokens of a row and positions with logits; slots of a cache; tokens of a table's longest sequence; sequences that
#: share a table or are sampled at once.
TOKENS, SLOTS, LENGTHS, SEQUENCES = 64, 32, 16, 8
#: Kernels that oneDNN keeps.
KERNELS = 64


def compiles_each_size(model: PreTrainedModel) -> bool:
    """In bfloat16 on a CPU oneDNN makes and keeps a kernel for each size it meets: a millisecond and most of a MB."""
    return model.device.type == "cpu" and model.dtype == torch.bfloat16


def keep_few_kernels() -> None:
    """Let oneDNN keep this many kernels instead of 1,024; it reads this where it makes its first.

    Measured on a PPO iteration of a small GPT-2: 70 MB less at the peak, and no more time than varies anyway.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS))


def round_up(count: int, step: int) -> int:
    """The smallest multiple of `step` that holds `count`."""
    return -(-count // step) * step
