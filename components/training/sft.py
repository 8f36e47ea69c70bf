"""Supervised start: the policy learns to answer as the demonstrations do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.training.encoding import Encoded
from components.training.epochs import start_learner, train_epochs
from components.training.forward import in_parts, response_logprobs, sum_by_response
from components.training.learner import Figures
from components.training.run import Run

if TYPE_CHECKING:
    from components.config import SupervisedParams


def train_sft(model: PreTrainedModel, rows: Sequence[Encoded], params: SupervisedParams, run: Run) -> None:
    """Teach `model`, in place, the responses of `rows`: cross-entropy over response tokens alone."""
    learner = start_learner(model, len(rows), params, run)

    def loss_of(batch: Sequence[int]) -> Callable[[Sequence[int]], Figures]:
        count = sum(len(rows[i].response) for i in batch)

        def figures(part: Sequence[int]) -> Figures:
            logprobs, _ = response_logprobs(learner.model, [rows[batch[i]] for i in part])
            return {"loss": -logprobs.sum() / count}

        return figures

    train_epochs(learner, [len(row) for row in rows], params, run, loss_of)


@torch.no_grad()
def response_loss(model: PreTrainedModel, rows: Sequence[Encoded]) -> float:
    """Mean negative logprob, in nats, of all response tokens of `rows`: sum over tokens / token count."""

    def measure(part: list[Encoded]) -> Sequence[Tensor]:
        logprobs, _ = response_logprobs(model, part)
        return sum_by_response(logprobs, part).unbind()

    total = torch.stack(in_parts(rows, measure)).double().sum()
    return -float(total) / sum(len(row.response) for row in rows)
