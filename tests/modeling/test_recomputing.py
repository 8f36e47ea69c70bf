import pytest
import torch
from modeling.tiny_models import ALL_FAMILIES, packing, plain_policy, policy, tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

from components.errors import ModelError
from components.modeling.adapters import Adapters, add_adapters
from components.modeling.recomputing import recomputing
from components.training.encoding import Encoded
from components.training.forward import response_logprobs

TOK = tokenizer()
ROWS = [Encoded([3, 4, 5], [6, 7, 8]), Encoded([9, 4], [6, 7, 8, 11, 12, 40])]


def start(family="gpt2"):
    torch.manual_seed(0)
    return policy(family, TOK)


def gradients(model):
    """And the bytes that the graph holds between the forward and the backward pass."""
    kept: dict[int, int] = {}

    def pack(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = response_logprobs(model, ROWS * 8)[0].sum()
    loss.backward()
    found = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad(set_to_none=True)
    return found, sum(size for place, size in kept.items() if place not in weights)


@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_the_same_gradients_with_less_kept(family):
    model = start(family)
    plain, kept = gradients(model)
    with recomputing(model):
        again, kept_when_recomputing = gradients(model)
    assert plain.keys() == again.keys()
    assert [name for name in plain if not plain[name].equal(again[name])] == []
    # What is left: one hidden state a layer, and the head with its logits, which are not recomputed.
    assert kept_when_recomputing < 0.5 * kept
    after, kept_after = gradients(model)
    assert kept_after == kept
    assert all(plain[name].equal(after[name]) for name in plain)


def test_what_is_kept_grows_by_one_state_a_layer():
    """Width 32, float32, 77 tokens in the row: two prompts of 5 tokens once, and 8 times 9 of responses."""
    kept = []
    for layers in (2, 6):
        torch.manual_seed(0)
        shape = {"n_positions": 64, "n_embd": 32, "n_layer": layers, "n_head": 2, "vocab_size": 64}
        model = packing(GPT2LMHeadModel(GPT2Config(**shape)).eval())
        with recomputing(model):
            kept.append(gradients(model)[1])
    assert kept[1] - kept[0] == 4 * 4 * 32 * 77


def test_dropout_stays_off():
    model = packing(plain_policy("gpt2", TOK))
    assert model.config.resid_pdrop == model.config.attn_pdrop == 0.1
    with recomputing(model):
        first, _ = gradients(model)
        second, _ = gradients(model)
    assert all(first[name].equal(second[name]) for name in first)
    assert not any(module.training for module in model.modules())


def test_it_is_off_again_after_an_error():
    model = start()
    _, kept = gradients(model)
    with pytest.raises(KeyError), recomputing(model):
        raise KeyError
    assert gradients(model)[1] == kept


def test_adapters_learn_behind_frozen_layers():
    """No gradient enters the first layer: nothing before it learns."""
    model = start("llama")
    add_adapters(model, Adapters(2, 4.0))
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    plain, kept = gradients(model)
    with recomputing(model):
        again, kept_when_recomputing = gradients(model)
    assert len(again) == 2 * 2 * 7
    assert all(plain[name].equal(again[name]) for name in plain)
    assert kept_when_recomputing < 0.5 * kept


def test_a_model_without_such_layers_is_refused():
    with (
        pytest.raises(ModelError, match="no layers whose activations") as caught,
        recomputing(torch.nn.Linear(1, 1)),
    ):
        pass
    assert "gradient_checkpointing" in caught.value.remedy
