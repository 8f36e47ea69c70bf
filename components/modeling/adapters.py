"""LoRA: small matrices beside a frozen model's own, which learn in its place (Hu 2021, 2106.09685)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from components.errors import ModelError


@dataclass(frozen=True)
class Adapters:
    """Attributes: rank: of each pair of matrices; alpha: their product is scaled by alpha / rank."""

    rank: int
    alpha: float


def add_adapters(model: PreTrainedModel, adapters: Adapters) -> None:
    """Freeze the trunk and the output layer, and put adapters beside every linear layer of the trunk.

    The model stays what it is and says what it said: the second matrix of each pair is zero at first. A score or
    value head keeps learning as a whole. The first matrices are drawn from torch's global generator.

    Raises:
        ModelError: peft is not installed.
    """
    try:
        # Only here: the core runs without peft.
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise ModelError(
            "peft is not installed", "pip install peft, or set train.lora_rank to 0 in params.yaml"
        ) from None
    trunk = model.base_model
    transposed = any(isinstance(module, Conv1D) for module in trunk.modules())
    config = LoraConfig(
        r=adapters.rank,
        lora_alpha=adapters.alpha,
        target_modules="all-linear",
        fan_in_fan_out=transposed,
    )
    inject_adapter_in_model(config, trunk)
    output = model.get_output_embeddings()
    if output is not None:
        output.requires_grad_(False)


@contextmanager
def without_adapters(model: PreTrainedModel) -> Iterator[None]:
    """In this block the model is what it was before any were added; a model without adapters is what it is."""
    layers = [layer for _, layer in _adapted(model)]
    for layer in layers:
        layer.enable_adapters(False)
    try:
        yield
    finally:
        for layer in layers:
            layer.enable_adapters(True)


def merge_adapters(model: PreTrainedModel) -> None:
    """Add what adapters have learned to the weights beside them, and take them off where there are any."""
    found = _adapted(model)
    for name, layer in found:
        layer.merge()
        model.base_model.set_submodule(name, layer.get_base_layer())
    if found:
        del model.base_model.peft_config
        model.requires_grad_(True)


def _adapted(model: PreTrainedModel) -> list[tuple[str, Any]]:
    """The trunk's layers that have adapters, by name."""
    if not hasattr(model.base_model, "peft_config"):
        return []
    from peft.tuners.tuners_utils import BaseTunerLayer

    return [
        (name, layer) for name, layer in model.base_model.named_modules() if isinstance(layer, BaseTunerLayer)
    ]
