import math

import pytest
import torch

from components.objectives.policy_losses import ppo_policy_loss, ratio_variance, reinforce_policy_loss

ONE = torch.ones(1, 1, dtype=torch.bool)


def loss_of(ratio: float, advantage: float, dual_clip=None):
    logprobs = torch.tensor([[math.log(ratio)]], dtype=torch.float64, requires_grad=True)
    result = ppo_policy_loss(
        logprobs,
        torch.zeros(1, 1, dtype=torch.float64),
        torch.tensor([[advantage]]),
        ONE,
        clip_eps=0.2,
        dual_clip=dual_clip,
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


def test_the_log_ratio_is_clamped_before_exp():
    result, _ = loss_of(math.exp(25.0), -1.0)
    assert result.loss.item() == pytest.approx(math.exp(20.0))
    result, gradient = loss_of(math.exp(-25.0), 1.0)
    assert result.ratio_mean.item() == pytest.approx(math.exp(-20.0))
    assert gradient == 0.0


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "clipped"),
    [
        (5.0, -2.0, 6.0, True),  # a bad action far likelier: held at 3 * |A|, where the plain clip gives 10
        (2.5, -2.0, 5.0, False),  # not that far: the full push
        (0.5, -2.0, 1.6, True),  # the plain clip goes on as before
        (5.0, 2.0, -2.4, True),  # a good action is none of its business
    ],
)
def test_the_dual_clip_bounds_the_loss_of_a_bad_action(ratio, advantage, loss, clipped):
    result, gradient = loss_of(ratio, advantage, dual_clip=3.0)
    assert result.loss.item() == pytest.approx(loss)
    assert result.clip_fraction.item() == float(clipped)
    assert (gradient == 0.0) is clipped


def test_without_a_dual_clip_the_loss_of_a_bad_action_is_unbounded():
    result, gradient = loss_of(5.0, -2.0)
    assert result.loss.item() == pytest.approx(10.0)
    assert gradient == pytest.approx(10.0)


def test_reinforce_by_hand():
    # -(2 * -1 + -0.5 * -3) / 2 = 0.25; the gradient is -A / 2, whatever the ratio.
    logprobs = torch.tensor([-1.0, -3.0], dtype=torch.float64, requires_grad=True)
    old = torch.tensor([-1.0 - math.log(2.0), -3.0], dtype=torch.float64)
    real = torch.ones(2, dtype=torch.bool)
    result = reinforce_policy_loss(logprobs, old, torch.tensor([2.0, -0.5], dtype=torch.float64), real)
    result.loss.backward()
    assert result.loss.item() == pytest.approx(0.25)
    assert logprobs.grad.tolist() == pytest.approx([-1.0, 0.25])
    assert result.ratio_mean.item() == pytest.approx(1.5)
    assert result.clip_fraction.item() == 0.0


def test_ppo_at_ratio_1_and_reinforce_have_one_gradient():
    torch.manual_seed(0)
    start = -torch.rand(3, 4, dtype=torch.float64)
    advantages, mask = torch.randn(3, 4, dtype=torch.float64), torch.rand(3, 4) < 0.7
    ours, theirs = start.clone().requires_grad_(), start.clone().requires_grad_()
    ppo_policy_loss(ours, start, advantages, mask, 0.2).loss.backward()
    reinforce_policy_loss(theirs, start, advantages, mask).loss.backward()
    expected = torch.where(mask, -advantages / mask.sum(), 0.0)
    # float64: one multiplication and one division apart.
    torch.testing.assert_close(ours.grad, expected, rtol=1e-12, atol=0.0)
    torch.testing.assert_close(theirs.grad, expected, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("garbage", [float("nan"), float("inf"), -float("inf"), 1e30])
@pytest.mark.parametrize("dirty", ["logprobs", "old_logprobs", "advantages", "all"])
@pytest.mark.parametrize(
    "loss",
    [
        lambda **tensors: ppo_policy_loss(**tensors, clip_eps=0.2, dual_clip=3.0),
        reinforce_policy_loss,
    ],
    ids=["ppo", "reinforce"],
)
def test_masked_garbage_reaches_neither_a_figure_nor_the_gradient(loss, dirty, garbage):
    mask = torch.tensor([[True, True, False]])
    rows = {
        "logprobs": [-1.0, -2.0, -1.0],
        "old_logprobs": [-1.1, -2.1, -1.0],
        "advantages": [1.0, -2.0, 1.0],
    }

    def figures_and_gradient(hit):
        tensors = {name: torch.tensor([row], dtype=torch.float64) for name, row in rows.items()}
        for name in hit:
            tensors[name][~mask] = garbage
        result = loss(**{**tensors, "logprobs": tensors["logprobs"].requires_grad_()}, mask=mask)
        result.loss.backward()
        return vars(result), tensors["logprobs"].grad.tolist()

    clean = figures_and_gradient([])
    assert figures_and_gradient(rows if dirty == "all" else [dirty]) == clean
    assert [grad != 0 for grad in clean[1][0]] == [True, True, False]


def test_the_variance_of_the_ratio_by_hand():
    # ratios 1, 2, 0.5, 1.5: mean 1.25; deviations -.25, .75, -.75, .25: variance 1.25 / 4
    logprobs = torch.tensor([1.0, 2.0, 0.5, 1.5], dtype=torch.float64).log()
    zeros, real = torch.zeros(4, dtype=torch.float64), torch.ones(4, dtype=torch.bool)
    result = ppo_policy_loss(logprobs, zeros, zeros, real, 0.2)
    assert result.ratio_mean.item() == pytest.approx(1.25)
    assert ratio_variance(result.ratio_mean, result.ratio_spread).item() == pytest.approx(0.3125)


def test_a_tiny_variance_of_the_ratio_survives_fp32():
    # ratios 1 +- 1e-4: variance 1e-8, below what 1 + 1e-8 can hold in fp32
    logprobs = torch.tensor([1e-4, -1e-4])
    result = ppo_policy_loss(logprobs, torch.zeros(2), torch.zeros(2), torch.ones(2, dtype=torch.bool), 0.2)
    # rel 1e-3: the mean's rounding, 1e-7, squared is 1e-14 of 1e-8, and log(1 + x) is x up to 1e-4.
    assert ratio_variance(result.ratio_mean, result.ratio_spread).item() == pytest.approx(1e-8, rel=1e-3)


def test_what_is_watched_has_no_gradient():
    logprobs = torch.tensor([-1.0], requires_grad=True)
    one, real = torch.ones(1), torch.ones(1, dtype=torch.bool)
    for result in (
        ppo_policy_loss(logprobs, -one, one, real, 0.2),
        reinforce_policy_loss(logprobs, -one, one, real),
    ):
        figures = vars(result)
        assert [name for name in figures if figures[name].requires_grad] == ["loss"]
