import math

import pytest
import torch

from components.objectives.policy_losses import clipped_value_loss, explained_variance, ppo_policy_loss

ONE = torch.ones(1, 1, dtype=torch.bool)


def loss_of(ratio: float, advantage: float):
    logprobs = torch.tensor([[math.log(ratio)]], dtype=torch.float64, requires_grad=True)
    result = ppo_policy_loss(
        logprobs, torch.zeros(1, 1, dtype=torch.float64), torch.tensor([[advantage]]), ONE, clip_eps=0.2
    )
    result.loss.backward()
    return result, logprobs.grad.item()


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "clipped"),
    [
        (1.5, 2.0, -2.4, True),  # gained enough: held at 1.2
        (0.5, 2.0, -1.0, False),  # lost a good action: full pull back
        (1.5, -2.0, 3.0, False),  # gained a bad action: full push away
        (0.5, -2.0, 1.6, True),  # dropped enough: held at 0.8
    ],
)
def test_the_four_quadrants(ratio, advantage, loss, clipped):
    result, gradient = loss_of(ratio, advantage)
    assert result.loss.item() == pytest.approx(loss)
    assert result.clip_fraction.item() == float(clipped)
    assert (gradient == 0.0) is clipped


def test_at_ratio_1_the_gradient_is_reinforce():
    _, gradient = loss_of(1.0, 0.7)
    assert gradient == pytest.approx(-0.7)


def test_mean_is_over_real_tokens_and_garbage_does_not_matter():
    logprobs = torch.tensor([[0.0, 0.0, float("nan")], [0.0, 50.0, -900.0]])
    advantages = torch.tensor([[1.0, 2.0, 1e9], [6.0, float("nan"), 5.0]])
    mask = torch.tensor([[True, True, False], [True, False, False]])
    result = ppo_policy_loss(logprobs, torch.zeros(2, 3), advantages, mask, 0.2)
    assert result.loss.item() == pytest.approx(-3.0)
    assert result.ratio_mean.item() == 1.0
    assert result.approx_kl.item() == 0.0


def test_the_log_ratio_is_clamped_before_exp():
    result, _ = loss_of(math.exp(25.0), -1.0)
    assert result.loss.item() == pytest.approx(math.exp(20.0))


def test_approx_kl_is_k3_of_the_sampler_against_the_new_policy():
    # d = old - new = 0 - log 2; k3 = exp(log 2) - 1 - log 2
    result, _ = loss_of(2.0, 1.0)
    assert result.approx_kl.item() == pytest.approx(1.0 - math.log(2.0))


def test_value_loss_by_hand():
    values, old = torch.tensor([[1.0, 0.05]]), torch.zeros(1, 2)
    returns, mask = torch.tensor([[2.0, 1.0]]), torch.ones(1, 2, dtype=torch.bool)
    # first: held at 0.2, (0.2 - 2)^2 = 3.24 > 1;  second: not held, 0.95^2 = 0.9025.
    assert clipped_value_loss(values, old, returns, mask, 0.2).item() == pytest.approx(
        0.5 * (3.24 + 0.9025) / 2
    )


def test_a_value_clipped_on_its_way_to_the_return_gets_no_gradient():
    values = torch.tensor([[1.0]], requires_grad=True)
    clipped_value_loss(values, torch.zeros(1, 1), torch.tensor([[2.0]]), ONE, 0.2).backward()
    assert values.grad.item() == 0.0


def test_explained_variance():
    returns, mask = torch.tensor([[1.0, 2.0, 3.0]]), torch.ones(1, 3, dtype=torch.bool)
    assert explained_variance(returns, returns, mask).item() == 1.0
    assert explained_variance(torch.full((1, 3), 2.0), returns, mask).item() == 0.0
    assert explained_variance(-returns, returns, mask).item() == pytest.approx(-3.0)
