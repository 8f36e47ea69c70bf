"""The state of everything that is random in a run."""

from __future__ import annotations

import random

import numpy as np
import torch

from components.training.state_files import State


class Generator:
    """A torch generator as a part of a run."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator

    def state(self) -> State:
        return {"torch": self.generator.get_state()}

    def restore(self, state: State) -> None:
        self.generator.set_state(state["torch"])


class LibraryRandomness:
    """The global generators of Python, NumPy and torch, on the CPU and every GPU.

    The loops draw from generators of their own; what libraries draw must go on all the same.
    """

    def state(self) -> State:
        name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
        version, internal, gauss = random.getstate()
        return {
            "python": [version, list(internal), gauss],
            "numpy": [name, np.asarray(keys).tolist(), position, has_gauss, cached],
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def restore(self, state: State) -> None:
        version, internal, gauss = state["python"]
        random.setstate((version, tuple(internal), gauss))
        name, keys, *rest = state["numpy"]
        np.random.set_state((name, np.asarray(keys, dtype=np.uint32), *rest))
        torch.set_rng_state(state["torch"])
        # This machine may have fewer GPUs than the one that wrote the state.
        torch.cuda.set_rng_state_all(state["cuda"][: torch.cuda.device_count()])
