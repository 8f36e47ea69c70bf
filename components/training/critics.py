"""The critics that a policy may learn with: a model of its own, a head on the policy's trunk, or none."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel

from components.modeling.sampling import Samples
from components.modeling.turns import ValueHead
from components.modeling.value_head import values_of
from components.training.encoding import Encoded
from components.training.forward import in_parts, state_values


class SeparateCritic:
    """A model with a scalar head, usually the reward model's weights at first (Stiennon 2020, section 3.4)."""

    head: ValueHead | None = None

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model

    def read(self, rows: Sequence[Encoded], samples: Samples) -> Tensor:
        def measure(part: list[Encoded]) -> Sequence[Tensor]:
            values = state_values(self.model, part)
            return torch.split(values, [len(row.response) + 1 for row in part])

        return pad_sequence(in_parts(rows, measure), batch_first=True)


class SharedTrunkCritic:
    """The value head of the policy: sampling has computed its values already."""

    def __init__(self, policy: PreTrainedModel) -> None:
        self.head: ValueHead | None = partial(values_of, policy)

    def read(self, rows: Sequence[Encoded], samples: Samples) -> Tensor:
        return samples.values


class NoCritic:
    """For algorithms whose baseline is the other responses to the same prompt."""

    head: ValueHead | None = None

    def read(self, rows: Sequence[Encoded], samples: Samples) -> Tensor:
        return torch.zeros_like(samples.values)
