"""Loading and saving models: safetensors only, no code from strangers, dropout off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
)
from transformers.utils import logging

from components.errors import ModelError
from components.modeling.activations import fuse_activations
from components.modeling.attention import use_packed_attention
from components.modeling.packing import check_packing
from components.modeling.text_format import TextFormat
from components.modeling.tokenizer import add_missing_tokens

#: No code from strangers.
SAFE: dict[str, Any] = {"trust_remote_code": False}


def load_base(name: str) -> tuple[PreTrainedModel, Any]:
    """A pretrained causal LM and its tokenizer, from a hub id or a local folder.

    Raises:
        ModelError: it cannot be found or loaded.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **SAFE)
        model = AutoModelForCausalLM.from_pretrained(name, use_safetensors=True, dtype=torch.float32, **SAFE)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"base model {name!r} cannot be loaded: {error}",
            "set model.base in params.yaml to a folder with config.json, model.safetensors and a tokenizer, "
            'to a hub id that this machine can reach, or to "tiny"',
        ) from None
    add_missing_tokens(tokenizer)
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(len(tokenizer))
    check_packing(_ready(model, tokenizer))
    return model, tokenizer


def build_tiny(tokenizer: Any, layers: int, width: int, heads: int, positions: int) -> PreTrainedModel:
    """The embedded base: a GPT-2 with random weights, to be taught from scratch."""
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=positions,
        n_embd=width,
        n_layer=layers,
        n_head=heads,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return _ready(GPT2LMHeadModel(config), tokenizer)


def load_policy(folder: Path) -> tuple[PreTrainedModel, Any, TextFormat]:
    """A causal LM that a stage saved, with its tokenizer and text format."""
    text_format = TextFormat.load(folder)
    model, tokenizer = load_base(str(folder))
    return model, tokenizer, text_format


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer that a stage saved."""
    return AutoTokenizer.from_pretrained(folder, **SAFE)


def new_reward_model(folder: Path) -> tuple[PreTrainedModel, Any, TextFormat]:
    """A reward model with the trunk of the policy in `folder` and a fresh head of one logit.

    The head starts as normal with std 1 / sqrt(d + 1) (Stiennon 2020; Huang 2024, detail 12).
    """
    text_format = TextFormat.load(folder)
    tokenizer = load_tokenizer(folder)
    with without_warnings():
        # transformers warns that the head is new: it is meant to be.
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, num_labels=1, use_safetensors=True, dtype=torch.float32, **SAFE
        )
    start_head(model)
    return _ready(model, tokenizer), tokenizer, text_format


def start_head(model: PreTrainedModel) -> None:
    """Give a decoder's new head its first weights."""
    head = scalar_head(model)
    torch.nn.init.normal_(head.weight, std=(head.in_features + 1) ** -0.5)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep transformers from warning of what is meant to be."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def load_reward_model(folder: Path) -> tuple[PreTrainedModel, Any, TextFormat]:
    """A reward model that a stage saved, with its tokenizer and text format."""
    text_format = TextFormat.load(folder)
    tokenizer = load_tokenizer(folder)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, use_safetensors=True, dtype=torch.float32, **SAFE
    )
    return ready_to_score(model, tokenizer), tokenizer, text_format


def ready_to_score(model: PreTrainedModel, tokenizer: Any) -> PreTrainedModel:
    """A sequence classifier that reads packed rows where it is a decoder that can, and padded tables otherwise."""
    plain = model.config._attn_implementation
    if not has_scalar_head(model):
        model.config.pad_token_id = tokenizer.pad_token_id
        return model.eval()
    try:
        check_packing(_ready(model, tokenizer))
    except ModelError:
        model.set_attn_implementation(plain)
    return model.eval()


def has_scalar_head(model: PreTrainedModel) -> bool:
    """Whether the model is a decoder with one linear layer from a hidden state to one score."""
    head = getattr(model, "score", None)
    return isinstance(head, torch.nn.Linear) and head.out_features == 1


def scalar_head(model: PreTrainedModel) -> torch.nn.Linear:
    """The linear layer that turns a hidden state into one score."""
    if not has_scalar_head(model):
        raise ModelError(
            f"{type(model).__name__} has no one-logit `score` head",
            "use a decoder such as GPT-2, Llama or Qwen as base model",
        )
    head: torch.nn.Linear = model.score
    return head


def save_model(folder: Path, model: PreTrainedModel, tokenizer: Any, text_format: TextFormat) -> None:
    """config.json, model.safetensors, the tokenizer's files and text_format.json."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    text_format.save(folder)


def _ready(model: PreTrainedModel, tokenizer: Any) -> PreTrainedModel:
    model.config.pad_token_id = tokenizer.pad_token_id
    use_packed_attention(model)
    fuse_activations(model)
    # eval() for good: dropout in training would make PPO's first ratio differ from 1.
    model.eval()
    return model
