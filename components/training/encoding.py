"""Prompts with responses as token ids, ready to be padded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from components.modeling.padding import pad
from components.modeling.text_format import TextFormat


@dataclass(frozen=True)
class Encoded:
    """One prompt and one response to it, as token ids."""

    prompt: list[int]
    response: list[int]

    @property
    def ids(self) -> list[int]:
        return self.prompt + self.response

    def __len__(self) -> int:
        return len(self.prompt) + len(self.response)


@dataclass(frozen=True)
class TokenBatch:
    """B sequences, padded on the right.

    Attributes:
        ids, mask: [B, L], mask True at a real token.
        response_mask: [B, L], True at a real token of the response.
    """

    ids: Tensor
    mask: Tensor
    response_mask: Tensor


def encode_pairs(
    tokenizer: Any, text_format: TextFormat, prompts: Sequence[str], responses: Sequence[str]
) -> list[Encoded]:
    return [
        Encoded(text_format.prompt_ids(tokenizer, prompt), text_format.response_ids(tokenizer, response))
        for prompt, response in zip(prompts, responses, strict=True)
    ]


def collate(rows: Sequence[Encoded], pad_id: int, device: torch.device) -> TokenBatch:
    ids, mask = pad([row.ids for row in rows], pad_id, "right")
    positions = torch.arange(ids.shape[1])
    starts = torch.tensor([len(row.prompt) for row in rows])
    response_mask = mask & (positions >= starts.unsqueeze(1))
    return TokenBatch(ids.to(device), mask.to(device), response_mask.to(device))
