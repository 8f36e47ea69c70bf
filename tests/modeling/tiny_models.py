"""Real models with few random weights, one of each family that people bring."""

from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

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
FAMILIES = ("gpt2", "llama", "qwen2")


def tokenizer():
    return train_tokenizer(TEXTS, 320)


def policy(family: str, tok):
    shape = {"vocab_size": len(tok), "eos_token_id": tok.eos_token_id, "bos_token_id": tok.eos_token_id}
    if family == "gpt2":
        model = GPT2LMHeadModel(GPT2Config(n_positions=64, n_embd=32, n_layer=2, n_head=2, **shape))
    else:
        wide = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
        wide |= {"num_key_value_heads": 2, "max_position_embeddings": 64}
        model = (
            LlamaForCausalLM(LlamaConfig(**wide, **shape))
            if family == "llama"
            else Qwen2ForCausalLM(Qwen2Config(**wide, **shape))
        )
    model.config.pad_token_id = tok.pad_token_id
    return model.eval()


def saved_policy(folder, family: str):
    """A folder as the sft stage writes it."""
    tok = tokenizer()
    save_model(folder, policy(family, tok), tok, FORMAT)
    return folder
