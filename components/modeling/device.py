"""Where tensors live, in what precision, and how randomness is seeded."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel, set_seed

from components.modeling.kernel_sizes import keep_few_kernels


def pick_device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def computes_in_bfloat16() -> bool:
    """Whether the device multiplies matrices in bfloat16 natively, rather than by way of float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def cast_weights(model: PreTrainedModel, dtype: torch.dtype) -> None:
    """Cast the weights and nothing else, as transformers does where it loads a model in `dtype`.

    `model.to(dtype)` casts buffers too: the frequencies of rotary positions lose their digits, and do not get them
    back with `model.float()`.
    """
    if dtype == torch.bfloat16:
        keep_few_kernels()
    for weight in model.parameters():
        weight.data = weight.data.to(dtype)


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch, and ask torch for repeatable kernels: the same seed gives the same run."""
    set_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # It would also write over all memory that is taken, before anything else is written there.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
