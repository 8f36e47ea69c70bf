"""The optimizer, its schedule, and one guarded step."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from transformers import PreTrainedModel, get_linear_schedule_with_warmup

from components.errors import TrainingDivergedError

#: Adam's epsilon of the original RLHF code (Ziegler 2019; Huang 2024, detail 4).
ADAM_EPS = 1e-5
MAX_GRAD_NORM = 1.0


class Optimization:
    """AdamW with linear warm-up and decay over a known number of steps."""

    def __init__(
        self,
        model: PreTrainedModel,
        learning_rate: float,
        total_steps: int,
        *,
        warmup_share: float = 0.0,
        weight_decay: float = 0.0,
        max_grad_norm: float = MAX_GRAD_NORM,
    ) -> None:
        self.model = model
        self.max_grad_norm = max_grad_norm
        self.optimizer = AdamW(model.parameters(), lr=learning_rate, eps=ADAM_EPS, weight_decay=weight_decay)
        warmup = round(warmup_share * total_steps)
        self.schedule: LambdaLR = get_linear_schedule_with_warmup(self.optimizer, warmup, total_steps)

    def step(self, loss: Tensor) -> float:
        """One update from a scalar loss; returns the gradient's norm before clipping.

        Raises:
            TrainingDivergedError: the loss or the gradient is not a finite number; the weights stay as they were.
        """
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.max_grad_norm))
        if not torch.isfinite(loss) or not torch.isfinite(torch.tensor(norm)):
            raise TrainingDivergedError(
                f"loss {loss.item()} with gradient norm {norm} is not a finite number",
                "lower the learning rate of this stage in params.yaml",
            )
        self.optimizer.step()
        return norm

    def advance(self) -> None:
        """Move the learning rate one step along its schedule."""
        self.schedule.step()

    @property
    def learning_rate(self) -> float:
        return float(self.schedule.get_last_lr()[0])
