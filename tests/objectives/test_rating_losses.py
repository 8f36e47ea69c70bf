import math

import pytest
import torch

from components.objectives.rating_losses import MIN_GAP, ordered_thresholds, ordinal_loss, pointwise_loss

THRESHOLDS = torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def loss_of(scores, levels, thresholds=THRESHOLDS, **keywords):
    scores = torch.as_tensor(scores, dtype=torch.float64)
    return ordinal_loss(scores, torch.tensor(levels), thresholds, **keywords)


def test_thresholds_by_hand():
    # softplus(0) = log 2; softplus(log(e - 1)) = 1
    raw = torch.tensor([-2.0, 0.0, math.log(math.e - 1)], dtype=torch.float64)
    second = -2.0 + math.log(2) + MIN_GAP
    assert ordered_thresholds(raw).tolist() == pytest.approx([-2.0, second, second + 1.0 + MIN_GAP])


def test_thresholds_increase_whatever_the_parameters():
    thresholds = ordered_thresholds(torch.tensor([3.0, -200.0, 50.0, -1e4]))
    assert (thresholds.diff() > 0).all()
    assert ordered_thresholds(torch.tensor([3.0])).tolist() == [3.0]


def test_by_hand():
    # at score 1: P = sigmoid(-2), sigmoid(-.5) - sigmoid(-2), sigmoid(1) - sigmoid(-.5), 1 - sigmoid(1)
    edges = [0.0, sigmoid(-2.0), sigmoid(-0.5), sigmoid(1.0), 1.0]
    for level in range(4):
        expected = -math.log(edges[level + 1] - edges[level])
        assert loss_of([1.0], [level]).item() == pytest.approx(expected)


def test_probabilities_of_all_levels_add_up_to_1():
    for score in (-5.0, -0.3, 0.0, 4.0):
        assert sum(math.exp(-loss_of([score], [level])) for level in range(4)) == pytest.approx(1.0)


def test_two_levels_are_logistic_regression():
    one = torch.tensor([0.0], dtype=torch.float64)
    labels = torch.tensor([1.0, 0.0], dtype=torch.float64)
    scores = torch.tensor([0.7, -2.0], dtype=torch.float64)
    assert loss_of(scores, [1, 0], one).item() == pytest.approx(pointwise_loss(scores, labels).item())
    assert loss_of([0.7], [1], one).item() == pytest.approx(math.log(1 + math.exp(-0.7)))


def test_far_scores_stay_finite_with_a_gradient_towards_the_level():
    # Far above: -log(sigmoid(a) - sigmoid(b)) is score - threshold - log(1 - exp(b - a)) and the slope is 1.
    scores = torch.tensor([1000.0, -1000.0, 1000.0, -1000.0], requires_grad=True)
    raw = torch.tensor([0.0, 1.0, 1.0], requires_grad=True)
    loss = ordinal_loss(scores, torch.tensor([1, 2, 0, 3]), ordered_thresholds(raw), count=1)
    loss.backward()
    assert math.isfinite(loss.item())
    assert scores.grad.tolist() == [1.0, -1.0, 1.0, -1.0]
    assert torch.isfinite(raw.grad).all()


def test_a_level_that_training_squeezed_out_still_costs_a_finite_loss():
    thresholds = ordered_thresholds(torch.tensor([0.0, -200.0], dtype=torch.float64))
    # P = sigmoid(.001) - sigmoid(0), about .001 / 4
    expected = -math.log(sigmoid(MIN_GAP) - 0.5)
    assert loss_of([0.0], [1], thresholds).item() == pytest.approx(expected, rel=1e-9)


def test_gradients_equal_finite_differences():
    scores = torch.tensor([0.3, -1.2, 2.5, 0.0], dtype=torch.float64, requires_grad=True)
    raw = torch.tensor([-1.0, 0.2, 0.7], dtype=torch.float64, requires_grad=True)
    levels = torch.tensor([0, 1, 2, 3])
    assert torch.autograd.gradcheck(
        lambda s, r: ordinal_loss(s, levels, ordered_thresholds(r)), (scores, raw)
    )


def test_thresholds_and_scores_learn_the_order():
    torch.manual_seed(0)
    levels = torch.arange(4).repeat(8)
    scores, raw = torch.zeros(32, requires_grad=True), torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.Adam([scores, raw], lr=0.3)
    for _ in range(100):
        optimizer.zero_grad()
        ordinal_loss(scores, levels, ordered_thresholds(raw)).backward()
        optimizer.step()
    reached = torch.bucketize(scores.detach(), ordered_thresholds(raw).detach())
    assert reached.tolist() == levels.tolist()


def test_weights_and_counts_by_hand():
    alone = [loss_of([1.0], [level]).item() for level in (0, 2)]
    weight = torch.tensor([3.0, 0.5], dtype=torch.float64)
    expected = 3.0 * alone[0] + 0.5 * alone[1]
    assert loss_of([1.0, 1.0], [0, 2], weight=weight).item() == pytest.approx(expected / 2)
    assert loss_of([1.0, 1.0], [0, 2], weight=weight, count=10).item() == pytest.approx(expected / 10)
    assert loss_of([1.0, 1.0], [0, 2]).item() == pytest.approx(sum(alone) / 2)


def test_thumbs_by_hand():
    scores = torch.tensor([2.0, 2.0, -1e4], dtype=torch.float64)
    up, down = math.log(1 + math.exp(-2)), math.log(1 + math.exp(2))
    labels = torch.tensor([1.0, 0.3, 0.0], dtype=torch.float64)
    soft = 0.3 * up + 0.7 * down
    assert pointwise_loss(scores, labels).item() == pytest.approx((up + soft) / 3)
    weight = torch.tensor([2.0, 4.0, 1.0], dtype=torch.float64)
    assert pointwise_loss(scores, labels, weight, count=5).item() == pytest.approx((2 * up + 4 * soft) / 5)
