"""DPO on the same pairs: the offline baseline that PPO must be worth its trouble against (Rafailov 2023)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.adapters import without_adapters
from components.objectives.preference_losses import bradley_terry_loss, dpo_margins
from components.training.encoding import Encoded
from components.training.epochs import start_learner, train_epochs
from components.training.forward import in_parts, response_sums
from components.training.learner import Figures
from components.training.reward_model import EncodedPair, labels_of, sides_of
from components.training.run import Run

if TYPE_CHECKING:
    from components.config import DpoParams


def train_dpo(model: PreTrainedModel, pairs: Sequence[EncodedPair], params: DpoParams, run: Run) -> None:
    """Teach `model`, in place, to prefer what people preferred, with itself before training as the reference."""
    # First the learner: the reference is measured in the precision that the training computes in.
    learner = start_learner(model, len(pairs), params, run)
    with without_adapters(model):
        reference = reference_sums(model, pairs).to(model.device)

    def loss_of(batch: Sequence[int]) -> Callable[[Sequence[int]], Figures]:
        def figures(part: Sequence[int]) -> Figures:
            rows = [batch[i] for i in part]
            return _figures(learner.model, [pairs[i] for i in rows], reference[rows], params.beta, len(batch))

        return figures

    train_epochs(learner, [pair.tokens for pair in pairs], params, run, loss_of)


def _figures(
    model: PreTrainedModel, pairs: Sequence[EncodedPair], reference: Tensor, beta: float, count: int
) -> Figures:
    chosen, rejected = response_sums(model, sides_of(pairs)).chunk(2)
    margins = dpo_margins(chosen, rejected, reference[:, 0], reference[:, 1], beta)
    loss = bradley_terry_loss(margins, *labels_of(pairs, margins.device), count=count)
    return {"loss": loss, "margin": margins.detach().sum() / count}


@torch.no_grad()
def reference_sums(model: PreTrainedModel, pairs: Sequence[EncodedPair]) -> Tensor:
    """[N, 2] logprobs of the chosen and the rejected response before any update; computed once, so no second model."""

    def measure(part: list[Encoded]) -> Sequence[Tensor]:
        return response_sums(model, part).unbind()

    return torch.stack(in_parts(sides_of(pairs), measure)).view(2, -1).T
