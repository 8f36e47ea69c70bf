"""Models that would mix packed sequences are refused before anything is trained."""

import pytest
import torch
import transformers
from modeling.tiny_models import ALL_FAMILIES, SPREAD, policy, saved_policy, tokenizer

from components.errors import ModelError
from components.modeling import packing
from components.modeling.attention import use_packed_attention
from components.modeling.loading import load_base
from components.modeling.packing import check_packing

TOK = tokenizer()
_WIDE = {"vocab_size": 320, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
_MLP = _WIDE | {"num_key_value_heads": 2, "intermediate_size": 48, "max_position_embeddings": 64}
_TOKENS = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 1}
REFUSED = {
    # An attention of their own, which knows nothing of packing.
    "falcon": lambda: transformers.FalconConfig(**_WIDE, **_TOKENS),
    "bloom": lambda: transformers.BloomConfig(vocab_size=320, hidden_size=32, n_layer=2, n_head=4, **_TOKENS),
    "stablelm": lambda: transformers.StableLmConfig(**_MLP, **_TOKENS),
    # Soft-capped scores, which no fused kernel computes.
    "gemma2": lambda: transformers.Gemma2Config(head_dim=8, **_MLP, **_TOKENS),
    # A state that runs through the whole row.
    "mamba": lambda: transformers.MambaConfig(vocab_size=320, hidden_size=32, num_hidden_layers=2, **_TOKENS),
    # Attention that packs, beside convolutions over neighbours that do not.
    "lfm2": lambda: transformers.Lfm2Config(
        layer_types=["conv", "full_attention"], initializer_range=SPREAD, **_MLP, **_TOKENS
    ),
}


def built(name):
    torch.manual_seed(0)
    return transformers.AutoModelForCausalLM.from_config(REFUSED[name]()).eval()


def make_it_pack(model):
    use_packed_attention(model)
    check_packing(model)


@pytest.mark.parametrize("name", REFUSED)
def test_a_model_that_cannot_be_packed_is_refused(name):
    model = built(name)
    with pytest.raises(ModelError) as caught:
        make_it_pack(model)
    assert type(model).__name__ in caught.value.message
    assert "Llama" in caught.value.remedy


def test_loading_refuses_it_too(tmp_path):
    built("stablelm").save_pretrained(tmp_path)
    TOK.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="StableLmForCausalLM does not keep sequences apart"):
        load_base(str(tmp_path))


@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_the_families_of_these_tests_pass_the_check_and_load(family, tmp_path):
    torch.manual_seed(0)
    check_packing(policy(family, TOK))
    model, _ = load_base(str(saved_policy(tmp_path, family)))
    check_packing(model)


def test_the_check_sees_an_attention_that_looks_across(monkeypatch):
    """The probe itself: without the layout, a packed row is one long sequence."""
    model = policy("llama", TOK)
    inputs = packing.model_inputs
    monkeypatch.setattr(packing, "model_inputs", lambda packed: inputs(packed) | {"layout": None})
    with pytest.raises(ModelError):
        check_packing(model)
