"""What nobody reads is left out of the last layer, and nothing else changes."""

import pytest
import torch
from modeling.tiny_models import ALL_FAMILIES, policy, tokenizer

from components.modeling.last_layer import read_at
from components.modeling.packing import hidden_states, pack, states_at
from components.modeling.recomputing import recomputing, repeated_layers

TOK = tokenizer()
PROMPTS, RESPONSES = [[5, 6, 7, 8], [9], [5, 6, 7, 8]], [[10, 11, 12], [13, 14], [15]]
#: Out of order, and one of them twice, as the end of a shared prompt is.
PLACES = torch.tensor([6, 3, 9, 3])
CPU = torch.device("cpu")


#: float64, so that sums in another order are the same sums.
CLOSE = {"rtol": 1e-9, "atol": 1e-11}


def start(family="llama"):
    torch.manual_seed(0)
    return policy(family, TOK).double(), pack(PROMPTS, CPU, RESPONSES)


def gradients(model, states):
    (states * torch.arange(1.0, 5.0).unsqueeze(1)).sin().sum().backward()
    found = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad(set_to_none=True)
    return found


def tokens_seen(model, call):
    """How many tokens each layer's feed-forward network is given."""
    seen = []
    handles = [
        layer.mlp.up_proj.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
        for layer in repeated_layers(model)
    ]
    call()
    for handle in handles:
        handle.remove()
    return seen


@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_states_and_gradients_are_those_of_the_whole_row(family):
    model, packed = start(family)
    whole = hidden_states(model, packed)[PLACES]
    expected = gradients(model, whole)
    part = states_at(model, packed, PLACES)
    found = gradients(model, part)
    torch.testing.assert_close(part, whole, **CLOSE)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, **CLOSE)


def test_the_last_network_is_given_what_is_read_and_each_token_once():
    model, packed = start()
    assert tokens_seen(model, lambda: states_at(model, packed, PLACES)) == [packed.ids.shape[1], 3]
    # Nothing is left behind.
    assert tokens_seen(model, lambda: hidden_states(model, packed)) == [packed.ids.shape[1]] * 2


def test_sizes_stay_few_where_each_costs_a_kernel():
    model, _ = start()
    model = model.to(torch.bfloat16)
    packed = pack(PROMPTS * 20, CPU, [[token] for token in range(5, 65)], few_sizes=True)
    assert packed.ids.shape[1] == 128
    for places in ([0], list(range(63)), list(range(64))):
        assert tokens_seen(model, lambda at=places: states_at(model, packed, torch.tensor(at))) == [128, 64]
    assert tokens_seen(model, lambda: states_at(model, packed, torch.arange(65))) == [128, 128]


def test_a_layer_that_is_computed_again_leaves_out_the_same():
    model, packed = start()
    expected = gradients(model, states_at(model, packed, PLACES))
    other = gradients(model, states_at(model, packed, PLACES + 1))
    found = []

    def forward_and_backward():
        # Two passes before the first of them goes back: each keeps to its own places.
        states = [states_at(model, packed, PLACES), states_at(model, packed, PLACES + 1)]
        found.extend(gradients(model, each) for each in states)

    with recomputing(model):
        seen = tokens_seen(model, forward_and_backward)
    count = packed.ids.shape[1]
    # Forward twice, then the layers again, from the last to the first.
    assert seen == [count, 3] * 2 + [3, count] * 2
    for gradients_again, once in zip(found, (expected, other), strict=True):
        assert [name for name in once if not once[name].equal(gradients_again[name])] == []


def test_a_model_whose_network_has_another_name_computes_all_of_it():
    model, packed = start()
    last = repeated_layers(model)[-1]
    whole = hidden_states(model, packed)
    last.feed_forward, forward = last.mlp, last.mlp
    del last.mlp
    object.__setattr__(last, "mlp", lambda states: forward(states))
    with read_at(model, PLACES):
        torch.testing.assert_close(hidden_states(model, packed), whole, **CLOSE)
