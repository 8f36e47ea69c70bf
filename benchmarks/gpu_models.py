"""Random weights, made where they are used."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    GenerationConfig,
    PreTrainedModel,
)

from benchmarks.assets import config_of, make_it_stop, put_on_scale
from benchmarks.data import EOS_ID, PAD_ID
from benchmarks.gpu_setting import Place, Setting
from components.modeling.activations import fuse_activations
from components.modeling.attention import use_packed_attention


def plain_policy(setting: Setting, place: Place) -> PreTrainedModel:
    """A causal model as transformers gives it, in float32; it ends its responses by itself, at uneven lengths."""
    torch.manual_seed(0)
    with place.device:
        policy = AutoModelForCausalLM.from_config(config_of(setting.shape)).eval()
        make_it_stop(policy, setting.shape.response_tokens)
    policy.generation_config = GenerationConfig(eos_token_id=EOS_ID, pad_token_id=PAD_ID)
    return policy


def reward_model(setting: Setting, place: Place) -> PreTrainedModel:
    torch.manual_seed(1)
    with place.device:
        model = AutoModelForSequenceClassification.from_config(config_of(setting.shape, num_labels=1)).eval()
        put_on_scale(model)
    return made_ready(model)


def made_ready(model: Any) -> PreTrainedModel:
    """As this project's loading makes models ready."""
    use_packed_attention(model)
    fuse_activations(model)
    return model
