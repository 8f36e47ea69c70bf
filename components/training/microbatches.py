"""How much goes through the model at once: few enough tokens for its memory, whatever the minibatch."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from components.errors import ModelError
from components.modeling.device import pick_device
from components.training.state_files import State

#: Bytes of one activation of all tokens that a CPU goes through at once: 2,048 tokens in float32, 4,096 in bfloat16.
#: Measured on models of 1 and 20 M weights it is no faster with more, which takes several times the memory.
BYTES_ON_CPU = 8_192
#: Tokens on a GPU, which wants to be filled.
TOKENS_ON_GPU = 16_384


#: How torch says that a CPU has no memory left: not by an error of its own, as it does of GPUs.
_CPU_SAYS = "DefaultCPUAllocator: "


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a GPU or a CPU had no memory left."""
    return isinstance(error, torch.OutOfMemoryError) or _CPU_SAYS in str(error)


def tokens_at_once(dtype: torch.dtype = torch.float32) -> int:
    """How many tokens this machine's device goes through at once where nobody says."""
    return BYTES_ON_CPU // dtype.itemsize if pick_device().type == "cpu" else TOKENS_ON_GPU


class Microbatches:
    """Splits minibatches by a budget of tokens; the budget is halved, once, when memory does not suffice.

    The split changes no result: every part's loss is divided by the count of the whole minibatch.

    Args:
        in_step: whether other processes wait at every part, so that none may halve its own.
    """

    def __init__(self, tokens: int, in_step: bool = False) -> None:
        self.tokens = tokens
        self.in_step = in_step
        self._halved = False

    def split(self, lengths: Sequence[int]) -> list[list[int]]:
        """Indices of the rows of each part: rows of like length together, at least one a part."""
        order = sorted(range(len(lengths)), key=lambda index: lengths[index])
        return [
            [order[place] for place in part] for part in even_ranges([lengths[i] for i in order], self.tokens)
        ]

    def most_parts(self, shares: Sequence[Sequence[int]]) -> int:
        """How many parts the process has that has the most, from the lengths of each one's rows."""
        return max(len(self.split(lengths)) for lengths in shares)

    def state(self) -> State:
        return {"tokens": self.tokens, "halved": self._halved}

    def restore(self, state: State) -> None:
        self.tokens, self._halved = state["tokens"], state["halved"]

    def halve(self, error: RuntimeError) -> None:
        """Make the parts smaller for this and all later minibatches.

        Raises:
            ModelError: they were halved before, or cannot be.
        """
        if self._halved or self.in_step:
            raise ModelError(
                f"out of memory with {self.tokens} tokens at once{', after halving' * self._halved}: {error}",
                "set train.microbatch_tokens lower in params.yaml, or train.gradient_checkpointing to true",
            ) from None
        self._halved = True
        self.tokens = max(1, self.tokens // 2)


def even_ranges(lengths: Sequence[int], budget: int) -> list[range]:
    """As few consecutive ranges as `ranges_by_tokens` makes, the largest of them as small as it can be."""
    parts = ranges_by_tokens(lengths, budget)
    low, high = max(lengths, default=0), budget
    while low < high:
        middle = (low + high) // 2
        found = ranges_by_tokens(lengths, middle)
        if len(found) > len(parts):
            low = middle + 1
        else:
            high, parts = middle, found
    return parts


def ranges_by_tokens(lengths: Sequence[int], budget: int) -> list[range]:
    """Consecutive ranges of rows with at most `budget` tokens, and with one row at least."""
    parts, start, used = [], 0, 0
    for index, length in enumerate(lengths):
        if index > start and used + length > budget:
            parts.append(range(start, index))
            start, used = index, 0
        used += length
    return [*parts, range(start, len(lengths))] if lengths else []
