"""Gradient checkpointing: activations are computed again in the backward pass instead of being kept (Chen 2016)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from components.errors import ModelError


def repeated_layers(model: PreTrainedModel) -> list[GradientCheckpointingLayer]:
    """The layers that a model is a stack of, as transformers marks them; outer ones first."""
    return [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]


@contextmanager
def within_when_recomputed(
    layer: GradientCheckpointingLayer, surroundings: Callable[[], AbstractContextManager[None]]
) -> Iterator[None]:
    """What the layer computes in this block is computed again, where it is, within fresh `surroundings`."""
    found = vars(layer).get("forward")
    if found is None:
        yield
        return
    layer.forward = partial(found, context_fn=lambda: (nullcontext(), surroundings()))
    try:
        yield
    finally:
        layer.forward = found


@contextmanager
def recomputing(model: PreTrainedModel) -> Iterator[None]:
    """In this block, forward *and* backward, only what enters each layer is kept.

    The layers are those that transformers would do it with. Its own switch works in training mode alone, which
    switches dropout on too; here nothing is random, and nothing needs to be repeated but the arithmetic.

    Raises:
        ModelError: the model has no such layers.
    """
    layers = repeated_layers(model)
    if not layers:
        raise ModelError(
            f"{type(model).__name__} has no layers whose activations can be computed again",
            "set train.gradient_checkpointing to false in params.yaml",
        )
    for layer in layers:
        layer.forward = partial(checkpoint, layer.forward, use_reentrant=False, preserve_rng_state=False)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward
