import math

import pytest
import torch

from components.objectives.behaviour import mixed_logprobs


def test_by_hand():
    # .9 * .5 + .1 / 4 = .475
    assert mixed_logprobs(torch.tensor([0.5]).double().log(), 4, 0.1).item() == pytest.approx(math.log(0.475))


def test_it_is_a_distribution_and_how_often_tokens_are_drawn():
    torch.manual_seed(0)
    logprobs, epsilon, draws = torch.randn(5).double().log_softmax(0), 0.3, 100_000
    mixed = mixed_logprobs(logprobs, 5, epsilon).exp()
    assert mixed.sum().item() == pytest.approx(1.0)
    drawn = torch.multinomial(logprobs.exp(), draws, replacement=True)
    drawn = torch.where(torch.rand(draws) < epsilon, torch.randint(0, 5, (draws,)), drawn)
    shares = torch.bincount(drawn, minlength=5) / draws
    error = (mixed * (1 - mixed) / draws).sqrt()
    assert ((shares - mixed).abs() < 4 * error).all()


def test_a_token_that_the_policy_never_draws_keeps_the_uniform_share():
    logprobs = torch.tensor([-torch.inf, -1e30, 0.0], requires_grad=True)
    mixed = mixed_logprobs(logprobs, 100, 0.1)
    assert mixed.tolist() == pytest.approx([math.log(0.001)] * 2 + [math.log(0.901)])
    mixed.sum().backward()
    assert logprobs.grad.tolist() == pytest.approx([0.0, 0.0, 0.9 / 0.901])


def test_without_mixing_the_input_comes_back():
    logprobs = torch.tensor([-1.0, -2.0])
    assert mixed_logprobs(logprobs, 100, 0.0) is logprobs
