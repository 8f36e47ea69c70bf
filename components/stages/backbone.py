"""What a reward model starts from, as params.yaml says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from transformers import PreTrainedModel

from components.config import RewardParams
from components.modeling.backbones import load_backbone
from components.modeling.device import pick_device
from components.modeling.loading import new_reward_model
from components.modeling.text_format import TextFormat
from components.stages.paths import SFT
from components.stages.positions import positions_of, refuse_too_long


@dataclass(frozen=True)
class Backbone:
    """A model that scores or has yet to learn it, with its tokenizer and text format."""

    model: PreTrainedModel
    tokenizer: Any
    text_format: TextFormat


def start_backbone(learning: RewardParams) -> Backbone:
    """A model that has yet to learn to score, on the device.

    Raises:
        ModelError: the base cannot be loaded.
        ConfigError: it cannot read texts as long as its limits allow.
    """
    limits = _limits(TextFormat.load(SFT), learning)
    if learning.base == "sft":
        model, tokenizer, _ = new_reward_model(SFT)
        text_format = limits
    else:
        model, tokenizer, text_format = load_backbone(learning.base, limits)
    found = Backbone(model, tokenizer, text_format)
    _check_room(found)
    model.to(pick_device())
    return found


def _limits(of_policy: TextFormat, learning: RewardParams) -> TextFormat:
    return replace(
        of_policy,
        max_prompt_tokens=learning.max_prompt_tokens or of_policy.max_prompt_tokens,
        max_response_tokens=learning.max_response_tokens or of_policy.max_response_tokens,
    )


def _check_room(found: Backbone) -> None:
    wanted = found.text_format.max_prompt_tokens + found.text_format.max_response_tokens
    # RoBERTa has two positions more than it has places for tokens; its tokenizer knows.
    room = min(positions_of(found.model), found.tokenizer.model_max_length)
    refuse_too_long(
        wanted,
        room,
        f"the reward model is to read {wanted} tokens, max_prompt_tokens + max_response_tokens, but its base",
        "set the two under reward_model and judge, smaller than those under model",
    )
