"""What SFT, reward modelling and DPO share: batches of rows of like length over some epochs, and the loop over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedModel

from components.training.batching import length_grouped_batches
from components.training.checkpoints import Parts
from components.training.learner import Figures, Learner, Schedule
from components.training.randomness import LibraryRandomness
from components.training.run import Run

if TYPE_CHECKING:
    from components.config import SupervisedParams

#: From the rows of a minibatch to a function of some of them, by their places in the minibatch, that gives their part
#: of its figures.
MinibatchLoss = Callable[[Sequence[int]], Callable[[Sequence[int]], Figures]]


def start_learner(model: PreTrainedModel, rows: int, params: SupervisedParams, run: Run) -> Learner:
    """A learner whose schedule ends with the last step over `rows` rows."""
    return learner_for(model, count_steps(rows, params), params, run)


def learner_for(model: PreTrainedModel, steps: int, params: SupervisedParams, run: Run) -> Learner:
    """A learner whose schedule ends with step `steps`."""
    schedule = Schedule(params.learning_rate, steps, params.warmup_share, params.weight_decay)
    return Learner(model, schedule, run.compute)


def train_epochs(
    learner: Learner, lengths: Sequence[int], params: SupervisedParams, run: Run, loss_of: MinibatchLoss
) -> None:
    """Train on rows of these lengths in tokens; leaves the learner's model in float32.

    Consumes the batches that `plan_batches` makes of the seed.
    """
    follow_plan(learner, lengths, plan_batches(lengths, params, run.seed), run, loss_of)


def follow_plan(
    learner: Learner, lengths: Sequence[int], plan: Sequence[list[int]], run: Run, loss_of: MinibatchLoss
) -> None:
    """Train on the batches of `plan`, one a step, from where the newest checkpoint stopped.

    Leaves the learner's model in float32.
    """
    parts: Parts = {"learner": learner, "log": run.log, "randomness": LibraryRandomness()}
    done = run.checkpoints.resume(parts)
    for step, rows in enumerate(plan[done:], start=done + 1):
        update = learner.update([lengths[i] for i in rows], loss_of(rows))
        rate = learner.learning_rate
        learner.advance()
        run.log({**update.figures, "grad_norm": update.grad_norm, "learning_rate": rate}, step)
        run.checkpoints.after_step(step, parts, {"learner": learner})
    learner.finish()


def plan_batches(lengths: Sequence[int], params: SupervisedParams, seed: int) -> list[list[int]]:
    """The rows of each optimizer step; the same seed gives the same plan."""
    generator = torch.Generator().manual_seed(seed)
    epochs = [length_grouped_batches(lengths, params.batch_size, generator) for _ in range(params.epochs)]
    return [batch for epoch in epochs for batch in epoch]


def count_steps(rows: int, params: SupervisedParams) -> int:
    """How many optimizer steps `rows` rows make."""
    return params.epochs * -(-rows // params.batch_size)
