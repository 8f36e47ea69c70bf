"""What a model's own output layer reads: the trunk's states, at the positions whose logits are computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor
from transformers import PreTrainedModel


@contextmanager
def head_inputs(model: PreTrainedModel) -> Iterator[list[Tensor]]:
    """The hidden states that the output layer is given in this block, a tensor a forward pass."""
    seen: list[Tensor] = []
    layer = model.get_output_embeddings()
    handle = layer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    try:
        yield seen
    finally:
        handle.remove()
