"""Prompts with responses as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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


def encode_pairs(
    tokenizer: Any, text_format: TextFormat, prompts: Sequence[str], responses: Sequence[str]
) -> list[Encoded]:
    return [
        Encoded(text_format.prompt_ids(tokenizer, prompt), text_format.response_ids(tokenizer, response))
        for prompt, response in zip(prompts, responses, strict=True)
    ]
