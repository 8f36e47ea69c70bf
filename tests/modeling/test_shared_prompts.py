"""Answers to one prompt share its tokens in a packed row: states and gradients are those of each answer alone."""

import pytest
import torch
from modeling.tiny_models import ALL_FAMILIES, packing, plain_policy, tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

from components.modeling import layout
from components.modeling.packing import hidden_states, pack

TOK = tokenizer()
CPU = torch.device("cpu")
SHARED, OTHER = [5, 6, 7, 8], [9, 10]
PROMPTS = [SHARED, OTHER, SHARED, SHARED, [11]]
RESPONSES = [[12, 13, 14], [15, 16], [17], [18, 19, 20, 21, 22], [23]]
#: The places of each response's tokens in the row: 4 shared tokens, then sequence after sequence.
STARTS = [4, 9, 11, 12, 18]


def pair(family, double=False):
    torch.manual_seed(0)
    plain = plain_policy(family, TOK)
    if double:
        plain.double()
    return plain, packing(plain)


@pytest.fixture(params=["one table", "several tables"])
def tables(request, monkeypatch):
    monkeypatch.setattr(layout, "CALL_ON_CPU", 1_000_000 if request.param == "one table" else 0)


def test_the_row_by_hand():
    packed = pack(PROMPTS, CPU, RESPONSES)
    # fmt: off
    assert packed.ids.tolist() == [[5, 6, 7, 8, 12, 13, 14, 9, 10, 15, 16, 17, 18, 19, 20, 21, 22, 11, 23]]
    assert packed.positions.tolist() == [[0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 0, 1]]
    # fmt: on
    assert packed.lengths.tolist() == [7, 4, 5, 9, 2]
    assert packed.prompt_ends.tolist() == [3, 8, 3, 3, 17]
    assert packed.response_starts.tolist() == STARTS
    assert packed.last.tolist() == [6, 10, 11, 16, 18]


def test_places_from_the_prompts_end_on():
    packed = pack(PROMPTS, CPU, RESPONSES)
    before = packed.places_from_prompt_end(packed.response_lengths)
    assert before.split([3, 2, 1, 5, 1])[0].tolist() == [3, 4, 5]
    assert before.split([3, 2, 1, 5, 1])[2].tolist() == [3]
    assert before.split([3, 2, 1, 5, 1])[3].tolist() == [3, 12, 13, 14, 15]
    after = packed.places_from_prompt_end(packed.response_lengths + 1)
    assert after.split([4, 3, 2, 6, 2])[4].tolist() == [17, 18]


def test_an_empty_response_ends_with_its_prompt():
    packed = pack([SHARED, SHARED], CPU, [[], [9]])
    assert packed.last.tolist() == [3, 4]


@pytest.mark.parametrize("few_sizes", [False, True])
@pytest.mark.parametrize("family", ALL_FAMILIES)
@pytest.mark.usefixtures("tables")
@torch.no_grad()
def test_every_token_has_the_state_it_has_alone(family, few_sizes):
    plain, model = pair(family)
    packed = pack(PROMPTS, CPU, RESPONSES, few_sizes=few_sizes)
    states = hidden_states(model, packed)
    for i, (prompt, response) in enumerate(zip(PROMPTS, RESPONSES, strict=True)):
        alone = plain.base_model(torch.tensor([prompt + response])).last_hidden_state[0]
        end, start = packed.prompt_ends[i], packed.response_starts[i]
        together = torch.cat([states[end - len(prompt) + 1 : end + 1], states[start : start + len(response)]])
        torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", ALL_FAMILIES)
@pytest.mark.usefixtures("tables")
@torch.no_grad()
def test_a_table_of_single_tokens(family):
    """Where query heads share keys, one query a sequence must not be taken for several."""
    plain, model = pair(family)
    states = hidden_states(model, pack([[5], [6], [7, 8, 9]], CPU))
    alone = [plain.base_model(torch.tensor([row])).last_hidden_state[0] for row in ([5], [6], [7, 8, 9])]
    torch.testing.assert_close(states, torch.cat(alone), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("few_sizes", [False, True])
@pytest.mark.usefixtures("tables")
def test_gradients_of_shared_tokens_are_the_sums_over_their_answers(few_sizes):
    """float64: 1e-11 leaves room for the order of additions and nothing else."""
    assert_same_gradients(*pair("gpt2", double=True), few_sizes, share=1e-11)


@pytest.mark.parametrize("family", ALL_FAMILIES)
@pytest.mark.usefixtures("tables")
def test_in_every_family(family):
    """float32: norms and rotary positions compute in it whatever the weights are in."""
    assert_same_gradients(*pair(family), few_sizes=False, share=1e-5)


def test_filler_needs_no_more_positions_than_the_sequences():
    """64 tokens in the row, of which nobody reads most, and a model of 8 positions."""
    torch.manual_seed(0)
    shape = {"n_positions": 8, "n_embd": 16, "n_layer": 1, "n_head": 2, "vocab_size": 64}
    model = packing(GPT2LMHeadModel(GPT2Config(**shape)).eval())
    assert hidden_states(model, pack([SHARED], CPU, [[9]], few_sizes=True)).shape == (64, 16)


def assert_same_gradients(plain, model, few_sizes, share):
    """Those of a random loss of all states that predict or follow a response, packed and alone."""
    packed = pack(PROMPTS, CPU, RESPONSES, few_sizes=few_sizes)
    places = packed.places_from_prompt_end(packed.response_lengths + 1)
    states = hidden_states(model, packed)[places]
    weights = torch.randn_like(states)
    (weights * states).sum().backward()
    ours = {name: weight.grad for name, weight in model.named_parameters()}
    alone = [
        plain.base_model(torch.tensor([prompt + response])).last_hidden_state[0, len(prompt) - 1 :]
        for prompt, response in zip(PROMPTS, RESPONSES, strict=True)
    ]
    (weights * torch.cat(alone)).sum().backward()
    for name, weight in plain.named_parameters():
        if weight.grad is not None:
            assert (ours[name] - weight.grad).abs().max() <= share * weight.grad.abs().max(), name
