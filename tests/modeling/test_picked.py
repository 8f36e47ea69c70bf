"""The fused logprob against torch's own softmax under autograd, in float64."""

import pytest
import torch

from components.modeling import picked as module
from components.modeling.picked import picked_logprobs

TOKENS = torch.tensor([3, 0, 6, 3, 5])
UPSTREAM = torch.tensor([1.0, -2.0, 0.0, 0.5, 3.0])


def logits(dtype=torch.float32, scale=3.0):
    made = scale * torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    return made.to(dtype).requires_grad_()


def reference(values, temperature):
    """Logprobs, their gradient at the logits and the entropies, all in float64."""
    exact = values.detach().double().requires_grad_()
    table = torch.log_softmax(exact / temperature, dim=-1)
    picked = table[torch.arange(len(TOKENS)), TOKENS]
    (picked * UPSTREAM).sum().backward()
    return picked.detach(), exact.grad, -(table.exp() * table).sum(-1).detach()


def test_by_hand():
    row = torch.tensor([[0.0, 2.0], [4.0, 0.0]])
    picked, entropy = picked_logprobs(row, torch.tensor([1, 1]), 2.0)
    # temperature 2 halves the logits: log sigmoid(1), log sigmoid(-2)
    assert picked.tolist() == pytest.approx([-0.313262, -2.126928], abs=1e-6)
    # p = sigmoid(1) and sigmoid(2)
    assert entropy.tolist() == pytest.approx([0.582203, 0.365334], abs=1e-6)
    assert picked_logprobs(torch.zeros(1, 2), torch.tensor([0]))[1].item() == pytest.approx(
        0.693147, abs=1e-6
    )


@pytest.mark.parametrize("temperature", [1.0, 0.3, 2.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_gradients_and_entropies(dtype, temperature):
    given = logits(dtype)
    before = given.detach().clone()
    picked, entropy = picked_logprobs(given, TOKENS, temperature)
    (picked * UPSTREAM).sum().backward()
    expected, gradient, spread = reference(given, temperature)
    assert picked.dtype == entropy.dtype == torch.float32
    assert given.grad.dtype == dtype
    # float32 inside, whatever comes in: seven digits of numbers of size 10.
    torch.testing.assert_close(picked.double(), expected, rtol=1e-6, atol=2e-6)
    torch.testing.assert_close(given.grad.double(), gradient, rtol=1e-5, atol=2e-6)
    torch.testing.assert_close(entropy.double(), spread, rtol=1e-5, atol=2e-6)
    assert torch.equal(given, before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("numbers", [1, 14, 21])
def test_rows_are_worked_on_in_any_portions(monkeypatch, numbers, dtype):
    def found():
        given = logits(dtype)
        picked, entropy = picked_logprobs(given, TOKENS, 0.7)
        (picked * UPSTREAM).sum().backward()
        return picked.detach(), entropy, given.grad

    whole = found()
    monkeypatch.setattr(module, "IN_CACHE", numbers)
    for part, expected in zip(found(), whole, strict=True):
        torch.testing.assert_close(part, expected, rtol=1e-6, atol=1e-7)
    with torch.no_grad():
        assert torch.equal(picked_logprobs(logits(dtype), TOKENS, 0.7)[0], whole[0])


def test_bfloat16_logits_are_computed_in_float32():
    given = logits(torch.bfloat16)
    picked, _ = picked_logprobs(given, TOKENS, 0.7)
    (picked * UPSTREAM).sum().backward()
    expected, gradient, _ = reference(given, 0.7)
    assert picked.dtype == torch.float32
    # As exact as from float32: only the logits themselves were rounded, before.
    torch.testing.assert_close(picked.double(), expected, rtol=1e-6, atol=2e-6)
    assert given.grad.dtype == torch.bfloat16
    # The gradient is rounded to 8 bits on its way out.
    torch.testing.assert_close(given.grad.double(), gradient, rtol=2**-8, atol=1e-6)


def test_the_gradient_agrees_with_finite_differences():
    """Not by any formula at all: move a logit, look at the logprob."""
    given = logits()
    picked, _ = picked_logprobs(given, TOKENS, 1.7)
    (picked * UPSTREAM).sum().backward()
    step = 1e-2
    for place in ((0, 3), (1, 4), (4, 5), (3, 0)):
        moved = []
        for sign in (1, -1):
            nudged = given.detach().clone()
            nudged[place] += sign * step
            moved.append((picked_logprobs(nudged, TOKENS, 1.7)[0] * UPSTREAM).sum().item())
        # Error of a central difference: step^2 and float32 rounding / step.
        assert given.grad[place].item() == pytest.approx((moved[0] - moved[1]) / (2 * step), abs=2e-3)


def test_large_logits_neither_overflow_nor_lose_the_answer():
    picked, entropy = picked_logprobs(torch.tensor([[1e4, 0.0], [-1e9, 5.0]]), torch.tensor([1, 1]))
    assert picked.tolist() == [-1e4, 0.0]
    assert entropy.tolist() == [0.0, 0.0]


def test_entropies_carry_no_gradient():
    _, entropy = picked_logprobs(logits(), TOKENS)
    assert not entropy.requires_grad
