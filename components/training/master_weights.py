"""The weights that the optimizer keeps, and the precision that the model computes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.errors import ModelError
from components.modeling.device import cast_weights
from components.training.state_files import State
from components.training.workers import Workers

if TYPE_CHECKING:
    from components.training.learner import Figures, PartialLoss


class MasterWeights:
    """float32 weights behind a model that may compute in bfloat16.

    The model is cast once, and its weights are written anew after each step: an update smaller than a bfloat16 step
    still adds up here. In float32 the model's own weights are the master weights, and nothing is copied.
    (Micikevicius 2018, 1710.03740, section 3.1.) Of weights that are frozen the first ones are kept, in the host's
    memory: they are to be saved as they came.

    components/training/sharding.py holds the same for a model that is divided among processes.
    """

    def __init__(self, model: PreTrainedModel, dtype: torch.dtype) -> None:
        self.model = model
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

    def figures(self, loss: PartialLoss, part: Sequence[int]) -> Figures:
        """What `loss` says of some rows."""
        return loss(part)

    def collect_gradients(self, workers: Workers) -> None:
        """Move the model's gradients to the master weights, and add them up over the processes.

        A weight that none reached has a gradient of zero.
        """
        for master, weight in zip(self.weights, self._computing, strict=True):
            gradient = torch.zeros_like(master) if weight.grad is None else weight.grad.to(master.dtype)
            weight.grad = None
            master.grad = gradient
        workers.add_up(weight.grad for weight in self.weights if weight.grad is not None)

    def number(self, norm: Tensor) -> float:
        """A norm of all weights."""
        return float(norm)

    @torch.no_grad()
    def publish(self) -> None:
        """Write the master weights into the model."""
        if self.separate:
            for master, weight in zip(self.weights, self._computing, strict=True):
                weight.copy_(master)

    def refresh(self, whole: PreTrainedModel) -> None:
        """The whole model is the one that learns: it knows already."""

    def state(self) -> State:
        return dict(zip(self.names, self.weights, strict=True))

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """Take over the weights of `state`.

        Raises:
            ModelError: they are those of another model.
        """
        refuse_other_weights(self.names, self.weights, state)
        for name, master in zip(self.names, self.weights, strict=True):
            master.copy_(state[name])
        self.publish()

    def full_moments(self, moments: Mapping[str, Tensor]) -> State:
        """The moments of a weight as they are kept in a checkpoint."""
        return dict(moments)

    def own_moments(self, index: int, moments: State) -> State:
        """The moments of weight `index` as the optimizer keeps them."""
        return moments

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


def refuse_other_weights(names: Sequence[str], weights: Sequence[Tensor], state: State) -> None:
    """Make sure that a checkpoint's weights have these names and the shapes of these weights."""
    shapes = {name: weight.shape for name, weight in zip(names, weights, strict=True)}
    if shapes != {name: weight.shape for name, weight in state.items()}:
        raise ModelError("a checkpoint holds other weights than the model that is to go on from it")
