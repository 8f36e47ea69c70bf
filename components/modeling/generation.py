"""Answers as text, from a policy in memory or in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.device import pick_device
from components.modeling.exploration import Exploration
from components.modeling.loading import load_policy
from components.modeling.sampling import Samples, draw_dice, sample
from components.modeling.text_format import TextFormat

#: Rows sampled at once; bounds memory on long lists of prompts.
ROWS_AT_ONCE = 128


@dataclass(frozen=True)
class Answer:
    """A sampled response.

    Attributes:
        ended: whether it ended itself rather than being cut by length.
        tokens: as they were sampled, the EOS included; the same text may have other tokens too.
    """

    text: str
    ended: bool
    tokens: list[int]


def generate_responses(
    folder: Path, prompts: Sequence[str], n: int, temperature: float, seed: int
) -> list[list[str]]:
    """`n` responses to each prompt by the policy in `folder`; the same seed gives the same responses."""
    model, tokenizer, text_format = load_policy(folder)
    repeated = [prompt for prompt in prompts for _ in range(n)]
    explore = Exploration(temperature)
    answers = answer(model.to(pick_device()), tokenizer, text_format, repeated, explore, seed)
    return [[a.text for a in answers[i * n : (i + 1) * n]] for i in range(len(prompts))]


def answer(
    model: PreTrainedModel,
    tokenizer: Any,
    text_format: TextFormat,
    prompts: Sequence[str],
    explore: Exploration,
    seed: int,
) -> list[Answer]:
    """One answer a prompt, in order."""
    generator = torch.Generator().manual_seed(seed)
    answers: list[Answer] = []
    for start in range(0, len(prompts), ROWS_AT_ONCE):
        part = prompts[start : start + ROWS_AT_ONCE]
        rows = [text_format.prompt_ids(tokenizer, prompt) for prompt in part]
        samples = sample(
            model,
            rows,
            draw_dice(len(rows), text_format.max_response_tokens, generator),
            explore=explore,
            eos_id=tokenizer.eos_token_id,
            pad_id=tokenizer.pad_token_id,
        )
        texts, ended = decode(tokenizer, samples), samples.ended.tolist()
        answers.extend(map(Answer, texts, ended, real_tokens(samples.tokens, samples.mask)))
    return answers


def real_tokens(tokens: Tensor, mask: Tensor) -> list[list[int]]:
    """What stands where the mask is true in each row of `tokens`; of responses, all up to and including the EOS."""
    # One copy from the device, not one a row.
    return [row[real].tolist() for row, real in zip(tokens.cpu(), mask.cpu(), strict=True)]


def decode(tokenizer: Any, samples: Samples) -> list[str]:
    """The text of each response, without special tokens."""
    rows = real_tokens(samples.tokens, samples.mask)
    texts: list[str] = tokenizer.batch_decode(rows, skip_special_tokens=True)
    return texts
