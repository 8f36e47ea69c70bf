import sys

import pytest
import torch
import transformers
from modeling.tiny_models import ALL_FAMILIES, FORMAT, plain_logprobs, policy, saved_policy, tokenizer
from safetensors.torch import load_file

from components.errors import ModelError
from components.modeling.adapters import Adapters, add_adapters, merge_adapters, without_adapters
from components.modeling.loading import load_policy, new_reward_model, save_model, scalar_head
from components.training.encoding import Encoded
from components.training.forward import response_logprobs, sequence_scores

TOK = tokenizer()
#: Of uneven lengths, so that packing has something to keep apart.
ROWS = [Encoded([3, 4, 5], [6, 7, 8]), Encoded([9, 4], [6, 7, 8, 11, 12, 40]), Encoded([50], [7])]
ADAPTERS = Adapters(rank=4, alpha=8.0)


def start(family="gpt2"):
    torch.manual_seed(0)
    return policy(family, TOK)


def taught(model):
    """Adapters that have learned something: far from what the model said."""
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    return model


@torch.no_grad()
def logprobs(model):
    return response_logprobs(model, ROWS)[0]


@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_new_adapters_say_nothing_and_switched_off_the_model_is_its_old_self(family):
    model = start(family)
    before = logprobs(model)
    add_adapters(model, ADAPTERS)
    assert torch.equal(logprobs(model), before)
    on = logprobs(taught(model))
    assert (on - before).abs().max() > 0.1
    with without_adapters(model):
        assert torch.equal(logprobs(model), before)
    assert torch.equal(logprobs(model), on)


def test_they_are_on_again_after_an_error():
    model = start()
    add_adapters(model, ADAPTERS)
    on = logprobs(taught(model))
    with pytest.raises(KeyError), without_adapters(model):
        raise KeyError
    assert torch.equal(logprobs(model), on)


@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_packed_rows_are_kept_apart_as_ever(family):
    """Against each sequence alone, through the model's plain forward."""
    model = start(family)
    add_adapters(model, ADAPTERS)
    taught(model)
    alone = [value for row in ROWS for value in plain_logprobs(model, row.prompt, row.response)]
    assert logprobs(model).tolist() == pytest.approx(alone, abs=1e-4)


@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_merged_the_model_says_what_it_said_with_adapters(family):
    model = start(family)
    names = list(model.state_dict())
    add_adapters(model, ADAPTERS)
    on = logprobs(taught(model))
    merge_adapters(model)
    # Rounding of W + BA against Wx + BAx, in float32 through two layers.
    assert torch.allclose(logprobs(model), on, atol=1e-4)
    assert list(model.state_dict()) == names
    assert all(weight.requires_grad for weight in model.parameters())


def test_merging_by_hand():
    """W + alpha / rank * B A, and GPT-2's own layers hold W transposed."""
    model = start()
    layer = model.transformer.h[0].attn.c_attn
    weight = layer.weight.detach().clone()
    add_adapters(model, ADAPTERS)
    adapted = taught(model).transformer.h[0].attn.c_attn
    a, b = adapted.lora_A["default"].weight.detach(), adapted.lora_B["default"].weight.detach()
    assert (tuple(a.shape), tuple(b.shape)) == ((4, 32), (96, 4))
    merge_adapters(model)
    expected = weight + 2.0 * (b @ a).T
    assert torch.allclose(model.transformer.h[0].attn.c_attn.weight, expected, atol=1e-6)


def test_what_is_saved_is_a_plain_model(tmp_path):
    before = saved_policy(tmp_path / "before", "llama")
    model, tok, _ = load_policy(before)
    add_adapters(model, ADAPTERS)
    on = logprobs(taught(model))
    merge_adapters(model)
    save_model(tmp_path / "after", model, tok, FORMAT)
    assert sorted(path.name for path in (tmp_path / "after").iterdir()) == sorted(
        path.name for path in before.iterdir()
    )
    names = [load_file(folder / "model.safetensors").keys() for folder in (before, tmp_path / "after")]
    assert names[0] == names[1]
    assert torch.allclose(logprobs(load_policy(tmp_path / "after")[0]), on, atol=1e-4)


def trainable(model):
    return {name for name, weight in model.named_parameters() if weight.requires_grad}


def test_every_linear_layer_of_the_trunk_has_adapters_and_nothing_else_learns():
    """GPT-2, 2 layers of width 32: c_attn 32>96, c_proj 32>32, c_fc 32>128, c_proj 128>32, each rank * (in + out)."""
    model = start()
    add_adapters(model, ADAPTERS)
    assert all(".lora_A." in name or ".lora_B." in name for name in trainable(model))
    count = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    assert count == 2 * 4 * (128 + 64 + 160 + 160)
    assert type(model.lm_head) is torch.nn.Linear


def test_a_score_head_learns_as_a_whole(tmp_path):
    model, _, _ = new_reward_model(saved_policy(tmp_path, "qwen2"))
    with torch.no_grad():
        before = sequence_scores(model, ROWS)
        add_adapters(model, ADAPTERS)
        assert torch.equal(sequence_scores(model, ROWS), before)
    assert {name for name in trainable(model) if "lora" not in name} == {"score.weight"}
    assert type(scalar_head(model)) is torch.nn.Linear


@pytest.mark.parametrize("family", [transformers.BertConfig, transformers.RobertaConfig])
def test_an_encoder_that_scores_has_adapters_in_its_trunk_and_its_whole_head_learns(family):
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    config = family(**shape, vocab_size=100, num_labels=1)
    model = transformers.AutoModelForSequenceClassification.from_config(config).eval()
    ids = torch.tensor([[3, 4, 5, 6]])
    before = model(ids).logits
    add_adapters(model, ADAPTERS)
    assert torch.equal(model(ids).logits, before)
    assert {name.split(".")[0] for name in trainable(model) if "lora" not in name} == {"classifier"}
    on = taught(model)(ids).logits
    merge_adapters(model)
    assert torch.allclose(model(ids).logits, on, atol=1e-5)
    assert (on - before).abs().max() > 1e-3


def test_a_model_without_adapters_is_left_alone():
    model = start()
    before = logprobs(model)
    with without_adapters(model):
        assert torch.equal(logprobs(model), before)
    model.requires_grad_(False)
    merge_adapters(model)
    assert trainable(model) == set()
    assert torch.equal(logprobs(model), before)


def test_without_peft_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ModelError, match="peft is not installed") as caught:
        add_adapters(start(), ADAPTERS)
    assert "lora_rank" in caught.value.remedy
