"""A model and everything that changes with its optimizer steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from transformers import PreTrainedModel, get_linear_schedule_with_warmup

from components.modeling.adapters import Adapters, add_adapters, merge_adapters
from components.modeling.recomputing import recomputing
from components.training.guards import GradientGuard
from components.training.master_weights import MasterWeights
from components.training.microbatches import Microbatches, is_out_of_memory, tokens_at_once
from components.training.sharding import ShardedWeights
from components.training.state_files import State
from components.training.workers import Alone, Workers, deal

#: Adam's epsilon of the original RLHF code (Ziegler 2019; Huang 2024, detail 4).
ADAM_EPS = 1e-5

#: From the indices of some of a minibatch's rows to their part of its figures, each a sum over these rows divided by
#: the count of the whole minibatch, so that parts add up. "loss" is what is minimised.
Figures = dict[str, Tensor]
PartialLoss = Callable[[Sequence[int]], Figures]


@dataclass(frozen=True)
class Schedule:
    """How far and how fast: linear warm-up over a share of the steps, then linear decay to zero.

    Attributes:
        updates_per_step: optimizer updates before the learning rate moves.
    """

    learning_rate: float
    total_steps: int
    warmup_share: float = 0.0
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    updates_per_step: int = 1


@dataclass(frozen=True)
class Update:
    """What became of a step.

    Attributes:
        grad_norm: before clipping; applied: whether the step was made; figures: of the whole minibatch.
    """

    grad_norm: float
    applied: bool
    figures: dict[str, float]


@dataclass(frozen=True)
class Compute:
    """How a model is trained, whatever it learns.

    Attributes:
        dtype: of its weights and activations; the master weights are float32 always.
        microbatch_tokens: the most tokens in one forward and backward pass; None: as many as keep the device busy.
        workers: the processes that share each minibatch.
        adapters: where given, they learn and the model beside them does not; in the end they are merged into it.
        recompute: whether activations are computed again in the backward pass, which saves memory and takes time.
        sharded: whether the workers, two at least, divide the model among them; else each has all of it.
    """

    dtype: torch.dtype = torch.float32
    microbatch_tokens: int | None = None
    workers: Workers = field(default_factory=Alone)
    adapters: Adapters | None = None
    recompute: bool = False
    sharded: bool = False

    @property
    def tokens_at_once(self) -> int:
        """The most tokens in one forward and backward pass."""
        return self.microbatch_tokens or tokens_at_once(self.dtype)


class Learner:
    """One model under AdamW: guarded updates over microbatches, in the precision it was given.

    Attributes:
        model: what losses must go through; whole: the model that was given, to sample and score with and to save. They
            are one, but where the processes divide the model among them.
    """

    def __init__(self, model: PreTrainedModel, schedule: Schedule, compute: Compute) -> None:
        self.whole = model
        self.max_grad_norm = schedule.max_grad_norm
        if compute.adapters is not None:
            add_adapters(model, compute.adapters)
        self.weights = _weights_of(model, compute)
        self.model = self.weights.model
        self.optimizer = AdamW(
            self.weights.weights,
            lr=schedule.learning_rate,
            eps=ADAM_EPS,
            weight_decay=schedule.weight_decay,
            fused=True,
        )
        warmup = round(schedule.warmup_share * schedule.total_steps)
        self.schedule: LambdaLR = get_linear_schedule_with_warmup(
            self.optimizer, warmup, schedule.total_steps
        )
        self.guard = GradientGuard(schedule.total_steps * schedule.updates_per_step)
        self.microbatches = Microbatches(compute.tokens_at_once, in_step=compute.sharded)
        self.workers = compute.workers
        self._saving_memory = recomputing if compute.recompute else nullcontext

    def update(self, lengths: Sequence[int], loss: PartialLoss) -> Update:
        """One optimizer step on a minibatch whose rows have these lengths in tokens.

        Raises:
            ModelError: it does not fit into memory, even in halves.
            TrainingDivergedError: too many steps had to be skipped.
        """
        with self._saving_memory(self.model):
            figures = self._accumulate(lengths, loss)
        self.weights.collect_gradients(self.workers)
        norm = self.weights.number(torch.nn.utils.clip_grad_norm_(self.weights.weights, self.max_grad_norm))
        # A loss may be lost where its gradient is not, and is then no better a guide.
        applied = self.guard.accepts(norm if math.isfinite(figures["loss"]) else math.nan)
        if applied:
            self.optimizer.step()
            self.weights.publish()
        self.optimizer.zero_grad(set_to_none=True)
        return Update(norm, applied, figures)

    def refresh(self) -> None:
        """Let the whole model know what was learned; every process must call it."""
        self.weights.refresh(self.whole)

    def advance(self) -> None:
        """Move the learning rate one step along its schedule."""
        self.schedule.step()

    @property
    def learning_rate(self) -> float:
        return float(self.schedule.get_last_lr()[0])

    def state(self) -> State:
        """All that changes; every process must call it where they divide the model."""
        optimizer = self.optimizer.state_dict()
        moments = optimizer["state"].items()
        return {
            "weights": self.weights.state(),
            "moments": {str(index): self.weights.full_moments(found) for index, found in moments},
            "groups": optimizer["param_groups"],
            "schedule": self.schedule.state_dict(),
            "guard": self.guard.state(),
            "microbatches": self.microbatches.state(),
        }

    def restore(self, state: State) -> None:
        self.weights.restore(state["weights"])
        self._restore_optimizer(state["moments"], state["groups"])
        self.schedule.load_state_dict(state["schedule"])
        self.guard.restore(state["guard"])
        self.microbatches.restore(state["microbatches"])

    @property
    def in_doubt(self) -> bool:
        """Whether the last gradient was not finite."""
        return self.guard.in_doubt

    @property
    def must_go_back(self) -> bool:
        """Whether too many gradients in a row were not finite."""
        return self.guard.must_go_back

    def moved_since(self, state: State) -> bool:
        """Whether any step was made since `state`."""
        return self.guard.seen != state["guard"]["seen"]

    def go_back(self, state: State) -> None:
        """Take over the weights and moments of `state`; schedule, guard and portions stay where the run is."""
        self.weights.restore(state["weights"])
        self._restore_optimizer(state["moments"], self.optimizer.state_dict()["param_groups"])
        self.guard.went_back()

    def finish(self) -> None:
        """Leave the whole model in float32 and without adapters, ready to be saved."""
        self.weights.finish(self.whole)
        merge_adapters(self.whole)

    def _restore_optimizer(self, moments: State, groups: list[State]) -> None:
        numbered = {int(index): self.weights.own_moments(int(index), moments[index]) for index in moments}
        self.optimizer.load_state_dict({"state": numbered, "param_groups": groups})

    def _accumulate(self, lengths: Sequence[int], loss: PartialLoss) -> dict[str, float]:
        """Gradients of this process's rows, and the figures of everybody's."""
        parts = None
        while parts is None:
            try:
                parts = [self._backward(loss, rows, weight) for rows, weight in self._passes(lengths)]
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                self.microbatches.halve(error)
                self.model.zero_grad(set_to_none=True)
            # The next try comes after this block: inside it the error still holds the activations of the last.
        names = sorted(parts[0])
        sums = torch.stack([torch.stack([part[name] for part in parts]).sum() for name in names]).double()
        self.workers.add_up([sums])
        return dict(zip(names, sums.tolist(), strict=True))

    def _passes(self, lengths: Sequence[int]) -> list[tuple[list[int], float]]:
        """The rows that this process goes through together, part after part, and what each part counts.

        Everybody must take part in the sums: a process without a row goes through one for nothing. Where processes
        divide the model they also need each other in every pass: who has fewer parts repeats a row for nothing.
        """
        shares = deal(range(len(lengths)), self.workers.size)
        mine = shares[self.workers.rank]
        parts = self.microbatches.split([lengths[i] for i in mine])
        passes = [([mine[i] for i in part], 1.0) for part in parts]
        wanted = 1
        if self.microbatches.in_step:
            wanted = self.microbatches.most_parts([[lengths[i] for i in rows] for rows in shares])
        return passes + [(mine[:1] or [0], 0.0)] * (wanted - len(passes))

    def _backward(self, loss: PartialLoss, rows: list[int], weight: float) -> Figures:
        weighted = {name: weight * figure for name, figure in self.weights.figures(loss, rows).items()}
        weighted["loss"].backward()  # type: ignore[no-untyped-call]
        return {name: figure.detach() for name, figure in weighted.items()}


def _weights_of(model: PreTrainedModel, compute: Compute) -> MasterWeights | ShardedWeights:
    if compute.sharded:
        return ShardedWeights(model, compute.dtype, compute.workers)
    return MasterWeights(model, compute.dtype)
