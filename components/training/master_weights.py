"""The weights that the optimizer keeps, and the precision that the model computes in."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.errors import ModelError
from components.modeling.device import cast_weights
from components.training.state_files import State


class MasterWeights:
    """float32 weights behind a model that may compute in bfloat16.

    The model is cast once, and its weights are written anew after each step: an update smaller than a bfloat16 step
    still adds up here. In float32 the model's own weights are the master weights, and nothing is copied.
    (Micikevicius 2018, 1710.03740, section 3.1.) Of weights that are frozen the first ones are kept, in the host's
    memory: they are to be saved as they came.
    """

    def __init__(self, model: PreTrainedModel, dtype: torch.dtype) -> None:
        self.names = [name for name, weight in model.named_parameters() if weight.requires_grad]
        if dtype == torch.float32:
            self.weights = self._computing = _trainable(model)
            return
        self._frozen = [weight.detach().cpu() for weight in _frozen(model)]
        self.weights = [weight.detach().clone().requires_grad_() for weight in _trainable(model)]
        cast_weights(model, dtype)
        self._computing = _trainable(model)

    @property
    def separate(self) -> bool:
        return self.weights is not self._computing

    def collect_gradients(self) -> None:
        """Move the model's gradients to the master weights; a weight that none reached has a gradient of zero."""
        for master, weight in zip(self.weights, self._computing, strict=True):
            gradient = torch.zeros_like(master) if weight.grad is None else weight.grad.to(master.dtype)
            weight.grad = None
            master.grad = gradient

    @torch.no_grad()
    def publish(self) -> None:
        """Write the master weights into the model."""
        if self.separate:
            for master, weight in zip(self.weights, self._computing, strict=True):
                weight.copy_(master)

    def state(self) -> State:
        return dict(zip(self.names, self.weights, strict=True))

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """Take over the weights of `state`.

        Raises:
            ModelError: they are those of another model.
        """
        shapes = {name: weight.shape for name, weight in self.state().items()}
        if shapes != {name: weight.shape for name, weight in state.items()}:
            raise ModelError("a checkpoint holds other weights than the model that is to go on from it")
        for name, master in zip(self.names, self.weights, strict=True):
            master.copy_(state[name])
        self.publish()

    @torch.no_grad()
    def finish(self, model: PreTrainedModel) -> None:
        """Leave the model in float32 with the master weights, ready to be saved."""
        if self.separate:
            cast_weights(model, torch.float32)
            self._computing = _trainable(model)
            self.publish()
            for first, weight in zip(self._frozen, _frozen(model), strict=True):
                weight.copy_(first)


def _trainable(model: PreTrainedModel) -> list[Tensor]:
    return [weight for weight in model.parameters() if weight.requires_grad]


def _frozen(model: PreTrainedModel) -> list[Tensor]:
    return [weight for weight in model.parameters() if not weight.requires_grad]
