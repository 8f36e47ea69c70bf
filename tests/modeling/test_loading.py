import pytest
import torch
from modeling.tiny_models import FAMILIES, policy, saved_policy, tokenizer
from transformers import AutoModelForCausalLM, BertConfig, BertForSequenceClassification

from components.errors import ModelError
from components.modeling.loading import load_base, load_policy, new_reward_model, scalar_head


@pytest.mark.parametrize("family", FAMILIES)
def test_saved_and_loaded_is_the_same_model(family, tmp_path):
    model, tok, fmt = load_policy(saved_policy(tmp_path, family))
    again, _, _ = load_policy(tmp_path)
    for left, right in zip(model.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(left, right)
    assert not any(path.suffix in {".bin", ".pt", ".pkl"} for path in tmp_path.iterdir())
    assert fmt.max_response_tokens == 12
    assert tok.pad_token_id == model.config.pad_token_id


def test_what_is_saved_is_a_model_that_transformers_loads_without_this_project(tmp_path):
    model, _, _ = load_policy(saved_policy(tmp_path, "llama"))
    plain = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert plain.config._attn_implementation == "sdpa"
    ids = torch.tensor([[5, 6, 7, 8]])
    torch.testing.assert_close(model(ids).logits, plain(ids).logits, rtol=1e-6, atol=1e-6)
    assert not (tmp_path / "config.json").read_text().count("packed")


def test_a_base_without_a_pad_token_gets_one_and_room_for_it(tmp_path):
    tok = tokenizer()
    model = policy("gpt2", tok)
    tok.pad_token = tok.eos_token
    model.resize_token_embeddings(len(tok) - 1)
    model.save_pretrained(tmp_path)
    tok.save_pretrained(tmp_path)
    loaded, loaded_tok = load_base(str(tmp_path))
    assert loaded_tok.pad_token_id != loaded_tok.eos_token_id
    assert loaded.get_input_embeddings().num_embeddings >= len(loaded_tok)


def test_a_missing_base_says_what_to_do(tmp_path):
    with pytest.raises(ModelError) as caught:
        load_base(str(tmp_path / "nowhere"))
    assert "model.base" in caught.value.remedy


def test_pickled_weights_are_refused(tmp_path):
    folder = saved_policy(tmp_path, "gpt2")
    weights = load_policy(folder)[0].state_dict()
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_base(str(folder))


def test_dropout_is_off_in_all_models(tmp_path):
    folder = saved_policy(tmp_path, "gpt2")
    for model in (load_policy(folder)[0], new_reward_model(folder)[0]):
        assert not any(module.training for module in model.modules())


def test_an_encoder_says_that_it_cannot_be_a_reward_model():
    bert = BertForSequenceClassification(
        BertConfig(
            vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
        )
    )
    with pytest.raises(ModelError, match="score"):
        scalar_head(bert)
