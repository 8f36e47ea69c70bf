"""Reward models on any model that transformers can load for sequence classification, with a tokenizer of its own."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel

from components.errors import ModelError
from components.modeling.loading import SAFE, has_scalar_head, ready_to_score, start_head, without_warnings
from components.modeling.text_format import EndedFormat, SeparatorFormat, TextFormat
from components.modeling.tokenizer import PAD, add_missing_tokens

REMEDY = (
    "set base of the reward model in params.yaml to a folder with config.json, model.safetensors and a tokenizer, "
    'to a hub id that this machine can reach, or to "sft"'
)


def load_backbone(name: str, limits: TextFormat) -> tuple[PreTrainedModel, Any, TextFormat]:
    """A model to score answers with, its tokenizer, and how texts become its tokens.

    A head of one logit is kept; any other is replaced by a new one. Decoders read prompt and response as the policy
    does, encoders with [CLS] and [SEP], and what has neither, such as T5, with an EOS whatever the length.

    Args:
        limits: the template, and the most tokens of prompt and response.

    Raises:
        ModelError: it cannot be found or loaded.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **SAFE)
        model, is_new = _load_classifier(name)
    except (OSError, ValueError) as error:
        raise ModelError(f"reward model base {name!r} cannot be loaded: {error}", REMEDY) from None
    text_format = _format_for(model, tokenizer, limits)
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(len(tokenizer))
    if is_new and has_scalar_head(model):
        start_head(model)
    return ready_to_score(model, tokenizer), tokenizer, text_format


def _load_classifier(name: str) -> tuple[PreTrainedModel, bool]:
    """The model with one logit, and whether its decoder's head had no weights yet."""
    with without_warnings():
        model, report = AutoModelForSequenceClassification.from_pretrained(
            name,
            num_labels=1,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            use_safetensors=True,
            dtype=torch.float32,
            **SAFE,
        )
    reshaped = {key for key, *_ in report["mismatched_keys"]}
    trunk = {key for key in reshaped if key.startswith(f"{model.base_model_prefix}.")}
    if trunk:
        raise ValueError(f"its weights do not fit its configuration: {', '.join(sorted(trunk))}")
    return model, "score.weight" in reshaped | set(report["missing_keys"])


def _format_for(model: PreTrainedModel, tokenizer: Any, limits: TextFormat) -> TextFormat:
    """Gives the tokenizer what the format needs and it lacks."""
    separates = tokenizer.cls_token_id is not None and tokenizer.sep_token_id is not None
    if has_scalar_head(model) or not separates:
        add_missing_tokens(tokenizer)
        return limits if has_scalar_head(model) else EndedFormat(**asdict(limits))
    if tokenizer.pad_token_id is None:
        tokenizer.add_special_tokens({"pad_token": PAD})
    return SeparatorFormat(**asdict(limits))
