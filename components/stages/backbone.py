"""What a reward model starts from, as params.yaml says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from transformers import PreTrainedModel

from components.config import RewardParams
from components.errors import ConfigError
from components.modeling.backbones import load_backbone
from components.modeling.device import pick_device
from components.modeling.loading import new_reward_model
from components.modeling.text_format import TextFormat
from components.stages.paths import SFT


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
    _refuse_too_long(model, tokenizer, text_format)
    return Backbone(model.to(pick_device()), tokenizer, text_format)


def _limits(of_policy: TextFormat, learning: RewardParams) -> TextFormat:
    return replace(
        of_policy,
        max_prompt_tokens=learning.max_prompt_tokens or of_policy.max_prompt_tokens,
        max_response_tokens=learning.max_response_tokens or of_policy.max_response_tokens,
    )


def _refuse_too_long(model: PreTrainedModel, tokenizer: Any, text_format: TextFormat) -> None:
    wanted = text_format.max_prompt_tokens + text_format.max_response_tokens
    # RoBERTa has two positions more than it has places for tokens; its tokenizer knows.
    limit = min(getattr(model.config, "max_position_embeddings", wanted), tokenizer.model_max_length)
    if wanted > limit:
        raise ConfigError(
            f"params.yaml: the reward model is to read {wanted} tokens, "
            f"max_prompt_tokens + max_response_tokens, but its base has {limit} positions",
            "set the two under reward_model and judge, smaller than those under model",
        )
