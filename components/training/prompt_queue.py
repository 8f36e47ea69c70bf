"""Which prompts a round asks: every prompt once before any comes again."""

from __future__ import annotations

import torch

from components.training.state_files import State


class PromptQueue:
    """Endless rounds over `count` prompts, reshuffled for each pass over them."""

    def __init__(self, count: int, order: torch.Generator) -> None:
        self.count = count
        self.order = order
        self.waiting: list[int] = []

    def take(self, wanted: int) -> list[int]:
        """Indices of the next `wanted` prompts."""
        while len(self.waiting) < wanted:
            self.waiting.extend(torch.randperm(self.count, generator=self.order).tolist())
        taken, self.waiting = self.waiting[:wanted], self.waiting[wanted:]
        return taken

    def state(self) -> State:
        return {"waiting": self.waiting}

    def restore(self, state: State) -> None:
        self.waiting = state["waiting"]
