"""The gradient of a packed loss is the sum of the gradients of the sequences' own losses."""

import pytest
import torch
from modeling.tiny_models import ALL_FAMILIES, packing, plain_policy, tokenizer

from components.modeling.hidden import head_inputs
from components.modeling.packing import hidden_states, model_inputs, pack
from components.modeling.picked import picked_logprobs
from components.modeling.value_head import attach_value_head, values_of

TOK = tokenizer()
CPU = torch.device("cpu")
ROWS = [[5, 6, 7, 8, 9, 10, 11], [14, 15], [16, 17, 18, 19, 20]]
LENGTHS = [7, 2, 5]
#: The places whose logits predict a token of their own sequence, and which they predict.
PREDICTORS = [0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 12]
PREDICTED = [6, 7, 8, 9, 10, 11, 15, 17, 18, 19, 20]
#: Uneven, so that no two tokens can stand in for each other.
WEIGHTS = torch.linspace(-1.0, 2.0, len(PREDICTORS), dtype=torch.float64)


def pair(family, double):
    torch.manual_seed(0)
    plain = plain_policy(family, TOK)
    if double:
        plain.double()
    return plain, packing(plain)


def gradients(model, loss):
    loss.backward()
    return {name: weight.grad for name, weight in model.named_parameters()}


def loss_alone(model, values=False):
    """Sequence by sequence, through transformers' own attention and torch's own softmax."""
    total, done = 0.0, 0
    for row in ROWS:
        output = model(torch.tensor([row]), output_hidden_states=True)
        weights = WEIGHTS[done : done + len(row) - 1].to(output.logits.dtype)
        logprobs = output.logits[0, :-1].log_softmax(-1).gather(1, torch.tensor(row[1:])[:, None])[:, 0]
        total = total + (weights * logprobs).sum()
        if values:
            states = output.hidden_states[-1][0, :-1]
            total = total + (weights * model.value_head(states)[:, 0].square()).sum()
        done += len(row) - 1
    return total


def packed_logits(model):
    return model(**model_inputs(pack(ROWS, CPU)), logits_to_keep=torch.tensor(PREDICTORS)).logits[0]


def assert_equal(left, right, share):
    """Equal up to a share of the largest entry: rounding follows the size of what was added up."""
    assert left.keys() == right.keys()
    for name, gradient in left.items():
        error = (gradient - right[name]).abs().max()
        assert error <= share * right[name].abs().max(), name


def test_in_float64_the_gradients_are_equal():
    """GPT-2 is float64 throughout; 1e-11 leaves room for the order of additions and nothing else."""
    plain, model = pair("gpt2", double=True)
    table = packed_logits(model).log_softmax(-1)
    logprobs = table.gather(1, torch.tensor(PREDICTED)[:, None])[:, 0]
    ours = gradients(model, (WEIGHTS * logprobs).sum())
    assert_equal(ours, gradients(plain, loss_alone(plain)), share=1e-11)


@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_in_every_family_with_the_fused_logprob(family):
    """float32: norms and rotary positions compute in it whatever the weights are in."""
    plain, model = pair(family, double=False)
    logprobs, _ = picked_logprobs(packed_logits(model), torch.tensor(PREDICTED))
    ours = gradients(model, (WEIGHTS.float() * logprobs).sum())
    assert_equal(ours, gradients(plain, loss_alone(plain)), share=1e-5)


@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_through_policy_and_value_head_at_once(family):
    plain, model = pair(family, double=False)
    for each in (plain, model):
        attach_value_head(each)
        torch.manual_seed(1)
        torch.nn.init.normal_(each.value_head.weight)
    with head_inputs(model) as seen:
        logits = packed_logits(model)
    logprobs, _ = picked_logprobs(logits, torch.tensor(PREDICTED))
    values = values_of(model, seen[0][0])
    ours = gradients(model, (WEIGHTS.float() * (logprobs + values.square())).sum())
    theirs = gradients(plain, loss_alone(plain, values=True))
    assert ours["value_head.weight"].abs().max() > 0.01
    # The values' part reaches the trunk: without it the trunk's gradients are others.
    alone = gradients(*_without_values(family))
    trunk = next(name for name in ours if "embed" in name or "wte" in name)
    assert (ours[trunk] - alone[trunk]).abs().max() > 0.01
    assert_equal(ours, theirs, share=1e-5)


def _without_values(family):
    plain, _ = pair(family, double=False)
    return plain, loss_alone(plain)


def test_no_gradient_leaks_into_another_sequence():
    """The loss of one sequence alone: the embeddings of the others' tokens stay without gradient."""
    _, model = pair("llama", double=False)
    states = hidden_states(model, pack(ROWS, CPU)).split(LENGTHS)
    states[1].square().sum().backward()
    touched = model.get_input_embeddings().weight.grad.abs().sum(1).nonzero()[:, 0]
    assert touched.tolist() == ROWS[1]
