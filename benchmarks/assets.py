"""Random weights that both sides load: a policy that stops by itself, a reward model on scale, one tokenizer.

    python -m benchmarks.assets SHAPE_AS_JSON FOLDER

Leaves models/sft and models/reward in FOLDER, where this project's stages look for them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    GenerationConfig,
    GPT2Config,
    LlamaConfig,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from benchmarks.data import EOS, EOS_ID, FIRST_WORD, PAD, PAD_ID, word
from benchmarks.shapes import Shape
from benchmarks.stopping import stopping_weight
from benchmarks.worker import POLICY, REWARD
from components.modeling.text_format import TextFormat
from components.training.scoring import RewardScale

#: Mean length of a response, of the most it may have.
LENGTH_SHARE = 0.6
#: What every token's embedding has in its first component, so that hidden states have something in common.
COMMON = 0.25
#: The head's weight on that component for padding: it is never sampled.
NEVER = -4.0
PROBES, PROBE_TOKENS = 128, 100
#: Of a prompt that is answered: about the mean of what data.py makes.
PROBE_PROMPT = 24


def main() -> None:
    logging.disable_progress_bar()
    make_assets(Shape(**json.loads(sys.argv[1])), Path(sys.argv[2]))


def make_assets(shape: Shape, folder: Path) -> None:
    """Write FOLDER/models/sft and FOLDER/models/reward."""
    torch.manual_seed(0)
    tokenizer = make_tokenizer(shape.vocab)
    policy = AutoModelForCausalLM.from_config(config_of(shape)).eval()
    make_it_stop(policy, shape.response_tokens)
    policy.generation_config = GenerationConfig(eos_token_id=EOS_ID, pad_token_id=PAD_ID)
    reward = AutoModelForSequenceClassification.from_config(config_of(shape, num_labels=1)).eval()
    put_on_scale(reward)
    for name, model in ((POLICY, policy), (REWARD, reward)):
        model.save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
        TextFormat("{prompt}", shape.positions, shape.response_tokens).save(folder / name)
    RewardScale(0.0, 1.0).save(folder / REWARD)


def make_tokenizer(vocab: int) -> PreTrainedTokenizerFast:
    """Splits at spaces; each word is a token."""
    words = {word(token): token for token in range(vocab)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token=PAD))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=EOS, pad_token=PAD)


def config_of(shape: Shape, **more: Any) -> GPT2Config | LlamaConfig:
    common = {
        "vocab_size": shape.vocab,
        "bos_token_id": EOS_ID,
        "eos_token_id": EOS_ID,
        "pad_token_id": PAD_ID,
    }
    if shape.family == "gpt2":
        return GPT2Config(
            n_layer=shape.layers,
            n_embd=shape.width,
            n_head=shape.heads,
            n_inner=shape.inner,
            n_positions=shape.positions,
            **common,
            **more,
        )
    return LlamaConfig(
        num_hidden_layers=shape.layers,
        hidden_size=shape.width,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        intermediate_size=shape.inner,
        max_position_embeddings=shape.positions,
        **common,
        **more,
    )


@torch.no_grad()
def make_it_stop(policy: Any, limit: int) -> None:
    """Have responses of at most `limit` tokens end at `LENGTH_SHARE` of it on average.

    What is set is EOS's weight, in the head, on the component that all tokens share.
    """
    policy.get_input_embeddings().weight[:, 0] = COMMON
    head = policy.get_output_embeddings().weight
    head[PAD_ID, 0] = NEVER
    states = _states_of_endless_responses(policy, limit)
    rest = (states @ head.T)[..., FIRST_WORD:].logsumexp(dim=-1)
    common = states[..., 0]
    others = states @ head[EOS_ID] - head[EOS_ID, 0] * common - rest
    head[EOS_ID, 0] = stopping_weight(lambda weight: others + weight * common, LENGTH_SHARE * limit)


def _states_of_endless_responses(policy: Any, limit: int) -> Tensor:
    """[N, limit, D] what each token of sampled responses without EOS is drawn from."""
    prompts = _probes(policy)[:, :PROBE_PROMPT]
    made = policy.generate(
        prompts,
        attention_mask=torch.ones_like(prompts),
        min_new_tokens=limit,
        max_new_tokens=limit,
        do_sample=True,
        top_k=0,
        eos_token_id=EOS_ID,
        pad_token_id=PAD_ID,
    )
    return policy.base_model(made).last_hidden_state[:, PROBE_PROMPT - 1 : -1]


@torch.no_grad()
def put_on_scale(reward: Any) -> None:
    """Make scores of random texts that end with EOS zero on average, with standard deviation 1."""
    probes = _probes(reward)
    rows, ends = torch.arange(PROBES), torch.randint(PROBE_TOKENS // 4, PROBE_TOKENS, (PROBES,))
    probes[rows, ends] = EOS_ID
    # Attention is causal: what stands after the end changes nothing.
    states = reward.base_model(probes).last_hidden_state[rows, ends]
    mean = states.mean(dim=0)
    head = reward.score.weight
    head -= (head @ mean) / (mean @ mean) * mean
    head /= (states @ head.T).std()


def _probes(model: Any) -> Tensor:
    return torch.randint(FIRST_WORD, model.config.vocab_size, (PROBES, PROBE_TOKENS))


if __name__ == "__main__":
    main()
