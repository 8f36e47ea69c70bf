"""Where tensors live, and how randomness is seeded."""

from __future__ import annotations

import torch
from transformers import set_seed


def pick_device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch, and ask torch for repeatable kernels: the same seed gives the same run."""
    set_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
