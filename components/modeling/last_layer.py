"""No work on what nobody reads: the last layer's feed-forward network, at the positions that are read alone.

Every layer but the last must say something of every token, because later layers look back at it. What the last one
says of a prompt's tokens, or with a reward model of all tokens but the last, is thrown away; so is most of its
arithmetic, which lies in the feed-forward network.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from components.modeling.kernel_sizes import TOKENS, compiles_each_size, round_up
from components.modeling.recomputing import repeated_layers, within_when_recomputed


@contextmanager
def read_at(model: PreTrainedModel, places: Tensor) -> Iterator[None]:
    """Forward passes over one row in this block need the trunk's states at `places` alone; the others are arbitrary.

    The network sees each token by itself, so what it says of the others can be left out, here for zeros.

    Args:
        places: [M], positions of the row, in any order, perhaps some of them twice.
    """
    layer = next(reversed(repeated_layers(model)), None)
    network = getattr(layer, "mlp", None)
    if layer is None or not isinstance(network, nn.Module):
        yield
        return
    reader = _Reader(network, places, TOKENS if compiles_each_size(model) else 1)
    # What is computed again, in the backward pass and so after this block, must leave out the same.
    with reader.at_work(), within_when_recomputed(layer, reader.at_work):
        yield


class _Reader:
    """Takes what is read from a row [1, N, d] for a network, and puts what it says back among zeros."""

    def __init__(self, network: nn.Module, places: Tensor, step: int) -> None:
        self.network, self.places, self.step = network, places, step

    @contextmanager
    def at_work(self) -> Iterator[None]:
        hooks = (
            self.network.register_forward_pre_hook(self.take),
            self.network.register_forward_hook(self.put_back),
        )
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def take(self, network: nn.Module, inputs: tuple[Any, ...]) -> tuple[Tensor]:
        [row] = inputs
        self.count = row.shape[1]
        self.kept = _each_once(self.places, self.count, self.step)
        return (row.index_select(1, self.kept),)

    def put_back(self, network: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        return output.new_zeros(1, self.count, output.shape[2]).index_copy(1, self.kept, output)


def _each_once(places: Tensor, count: int, step: int) -> Tensor:
    """[K] the places in ascending order, each once, and so many others of the row that K is a multiple of `step`."""
    read = torch.zeros(count, dtype=torch.bool, device=places.device).index_fill_(0, places, True)
    first = (~read).int().argsort(stable=True)
    return first[: round_up(int(read.sum()), step)].sort().values
