"""One model divided among processes by FSDP2: each keeps a part of the weights, the gradients and Adam's moments.

A layer's weights are gathered while it computes and forgotten again; its gradients are added up over the processes,
each of which keeps its part of the sum (Rajbhandari 2020, 1910.02054; Zhao 2023, 2304.11277).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers import PreTrainedModel

from components.modeling.device import cast_weights
from components.modeling.recomputing import repeated_layers
from components.training.master_weights import refuse_other_weights
from components.training.state_files import State
from components.training.workers import Workers

if TYPE_CHECKING:
    from components.training.learner import Figures, PartialLoss


class ShardedWeights:
    """What MasterWeights is to one process: float32 weights behind a model that may compute in bfloat16.

    Losses go through `model`, a divided copy of the model that was given. That one stays whole on every process: it
    samples, scores and is saved, and takes over what was learned when it is told to. So a process holds the weights
    once in the precision of the run, and of master weights, gradients and moments its part. What does not learn, such
    as PPO's reference and its reward models, is not divided.
    """

    def __init__(self, whole: PreTrainedModel, dtype: torch.dtype, workers: Workers) -> None:
        self.model = copy.deepcopy(whole)
        self._root = _shard(self.model, dtype, workers.size)
        # Rounded as the copy is where it is gathered: PPO's first ratio is 1.
        cast_weights(whole, dtype)
        learning = {
            name: weight
            for name, weight in self.model.named_parameters()
            if isinstance(weight, DTensor) and weight.requires_grad
        }
        self.names, self.weights = list(learning), list(learning.values())
        self._leads = workers.rank == 0

    def figures(self, loss: PartialLoss, part: Sequence[int]) -> Figures:
        figures: Figures = self._root(loss, part)
        return figures

    def collect_gradients(self, workers: Workers) -> None:
        """They are added up already; a weight that no loss reached has a gradient of zero."""
        for weight in self.weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)

    def number(self, norm: Tensor) -> float:
        """A norm over all parts."""
        return float(_full(norm))

    def publish(self) -> None:
        """The copy gathers what was learned by itself."""

    @torch.no_grad()
    def refresh(self, whole: PreTrainedModel) -> None:
        """Write what was learned into the whole model; all processes must take part."""
        for part, weight in zip(self.model.parameters(), whole.parameters(), strict=True):
            if part.requires_grad:
                # Rounded first: so there is less to send.
                weight.copy_(_full(part.to(weight.dtype)))

    @torch.no_grad()
    def finish(self, whole: PreTrainedModel) -> None:
        """Leave the whole model in float32 with the master weights, and with frozen ones as they came."""
        cast_weights(whole, torch.float32)
        for part, weight in zip(self.model.parameters(), whole.parameters(), strict=True):
            weight.copy_(_full(part))

    def state(self) -> State:
        """The full weights, in the first process; all processes must take part."""
        return {name: self._kept(weight) for name, weight in zip(self.names, self.weights, strict=True)}

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """Take this process's part of the weights of `state`.

        Raises:
            ModelError: they are those of another model.
        """
        refuse_other_weights(self.names, self.weights, state)
        for name, weight in zip(self.names, self.weights, strict=True):
            weight.copy_(_part_of(state[name], weight))

    def full_moments(self, moments: Mapping[str, Tensor]) -> State:
        """The moments of a whole weight from those of this process's part; all processes must take part."""
        return {name: self._kept(value) for name, value in moments.items()}

    def own_moments(self, index: int, moments: State) -> State:
        """The moments of this process's part of a weight; the count of its steps is the same for all."""
        weight = self.weights[index]
        return {name: _part_of(value, weight) if value.dim() else value for name, value in moments.items()}

    def _kept(self, part: Tensor) -> Tensor:
        """The full tensor in the memory of the first process's host: it writes, and the others help to gather."""
        full = _full(part.detach())
        return full.cpu() if self._leads else torch.empty_like(full, device="meta")


class _Root(torch.nn.Module):
    """What FSDP takes for the model: its forward pass is the loss itself.

    So everything outside the layers (embeddings, norms, heads, thresholds) is gathered wherever a loss uses it.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, loss: PartialLoss, part: Sequence[int]) -> Figures:
        return loss(part)


def _shard(model: PreTrainedModel, dtype: torch.dtype, processes: int) -> _Root:
    """Divide each layer of `model`, and then the rest, for computing in `dtype`."""
    mesh = init_device_mesh(model.device.type, (processes,))
    # Inputs are left alone: as in a model that was cast, only weights are rounded.
    precision = MixedPrecisionPolicy(dtype, torch.float32, cast_forward_inputs=False)
    root = _Root(model)
    # Inner ones first: what they have is no longer divided by those around them.
    for module in (*reversed(repeated_layers(model)), root):
        divided = fully_shard(module, mesh=mesh, mp_policy=precision)
        # Losses are divided by the count of all processes' rows: their gradients are summed, never averaged.
        divided.set_force_sum_reduction_for_comms(True)
        divided.set_gradient_divide_factor(1.0)
    return root


def _full(tensor: Tensor) -> Tensor:
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def _part_of(full: Tensor, like: DTensor) -> Tensor:
    """This process's part of a tensor that all have, divided as `like` is, and no more memory than that."""
    return distribute_tensor(full, like.device_mesh, like.placements, src_data_rank=None).clone()
