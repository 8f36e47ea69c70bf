"""Real models with few random weights, one of each family that people bring."""

import copy

import torch
import transformers

from components.modeling.attention import use_packed_attention
from components.modeling.loading import save_model
from components.modeling.text_format import TextFormat
from components.modeling.tokenizer import train_tokenizer

TEXTS = [
    "the battery lasts long",
    "a sharp camera but a dim screen",
    "it was a fair price",
    "naïve 日本語 {braces}",
]
FORMAT = TextFormat("{prompt}\n", max_prompt_tokens=16, max_response_tokens=12)
#: Narrower than most sequences of the tests, so that it matters.
WINDOW = 4
#: Of the random weights. At the usual 0.02 attention is nearly uniform, and a token that sees what it must not
#: moves a logprob by less than a test would notice.
SPREAD = 0.2
_GPT2 = {"n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 2}
_WIDE = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
_HEADS = _WIDE | {"head_dim": 8}
_MIXED = {"sliding_window": WINDOW, "layer_types": ["sliding_attention", "full_attention"]}
_SHAPES = {
    "gpt2": (transformers.GPT2Config, _GPT2),
    "llama": (transformers.LlamaConfig, _WIDE),
    "qwen2": (transformers.Qwen2Config, _WIDE),
    "qwen3": (transformers.Qwen3Config, _HEADS),
    "mistral": (transformers.MistralConfig, _WIDE | {"sliding_window": WINDOW}),
    "gemma": (transformers.GemmaConfig, _HEADS),
    "gemma3": (transformers.Gemma3TextConfig, _HEADS | _MIXED),
}
#: The three that training is tested on; the models themselves are tested on all.
FAMILIES = ("gpt2", "llama", "qwen2")
ALL_FAMILIES = tuple(_SHAPES)


def tokenizer():
    return train_tokenizer(TEXTS, 320)


def plain_policy(family: str, tok, spread: float = SPREAD):
    """The family's own model with the attention that transformers writes out in full."""
    config_class, shape = _SHAPES[family]
    eos, pad = tok.eos_token_id, tok.pad_token_id
    config = config_class(
        vocab_size=len(tok),
        eos_token_id=eos,
        bos_token_id=eos,
        pad_token_id=pad,
        initializer_range=spread,
        **shape,
    )
    return transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()


def packing(model):
    """A copy that reads packed rows, beside the untouched original."""
    twin = copy.deepcopy(model)
    use_packed_attention(twin)
    return twin


def policy(family: str, tok, spread: float = SPREAD):
    """A policy as loading gives it."""
    return packing(plain_policy(family, tok, spread))


def saved_policy(folder, family: str, spread: float = SPREAD):
    """A folder as the sft stage writes it."""
    tok = tokenizer()
    save_model(folder, policy(family, tok, spread), tok, FORMAT)
    return folder


def lift(model, token: int, by: float):
    """Add to the logit of one token, in this model and in copies made of it later."""

    def add(module, inputs, output):
        raised = torch.zeros(output.shape[-1])
        raised[token] = by
        return output + raised.to(output)

    model.get_output_embeddings().register_forward_hook(add)
    return model


@torch.no_grad()
def plain_logprobs(model, prompt, response, temperature: float = 1.0) -> list[float]:
    """Slow and independent: one sequence alone, whole softmax in float64, no mask, no positions, no cache."""
    logits = model(torch.tensor([[*prompt, *response]])).logits[0].double() / temperature
    table = logits.softmax(-1).log()
    return [table[len(prompt) - 1 + t, token].item() for t, token in enumerate(response)]
