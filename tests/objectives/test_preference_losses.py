import math

import pytest
import torch

from components.objectives.preference_losses import bradley_terry_loss, centering_loss, dpo_margins


def bt(margins, probability=None, weight=None):
    margins = torch.as_tensor(margins, dtype=torch.float64)
    ones = torch.ones_like(margins)
    probability = ones if probability is None else torch.as_tensor(probability)
    weight = ones if weight is None else torch.as_tensor(weight)
    return bradley_terry_loss(margins, probability, weight)


def test_no_margin_costs_log_2():
    assert bt([0.0, 0.0]).item() == pytest.approx(math.log(2))


def test_by_hand():
    # -log sigmoid(2) = log(1 + e^-2)
    assert bt([2.0]).item() == pytest.approx(math.log(1 + math.exp(-2)))
    soft = 0.7 * math.log(1 + math.exp(-2)) + 0.3 * math.log(1 + math.exp(2))
    assert bt([2.0], [0.7]).item() == pytest.approx(soft)


def test_a_light_pair_counts_by_its_weight_whatever_else_is_in_the_batch():
    expected = (3 * math.log(1 + math.exp(-2)) + math.log(2)) / 2
    assert bt([2.0, 0.0], weight=[3.0, 1.0]).item() == pytest.approx(expected)
    assert bt([2.0], weight=[0.5]).item() == pytest.approx(0.5 * math.log(1 + math.exp(-2)))


def test_a_tie_is_best_at_no_margin_and_pulls_both_ways_alike():
    up = torch.tensor([1.3], requires_grad=True)
    down = torch.tensor([-1.3], requires_grad=True)
    bradley_terry_loss(up, torch.tensor([0.5]), torch.ones(1)).backward()
    bradley_terry_loss(down, torch.tensor([0.5]), torch.ones(1)).backward()
    assert up.grad.item() == pytest.approx(-down.grad.item())
    assert up.grad.item() > 0


def test_huge_margins_stay_finite():
    assert bt([-1e4]).item() == pytest.approx(1e4)
    assert bt([1e4]).item() == 0.0


def test_centering_by_hand():
    assert centering_loss(torch.tensor([1.0, -2.0]), torch.tensor([0.5, 2.0])).item() == pytest.approx(1.125)


def test_dpo_costs_log_2_where_policy_is_the_reference():
    chosen, rejected = torch.tensor([-3.0]), torch.tensor([-5.0])
    assert bt(dpo_margins(chosen, rejected, chosen, rejected, 0.1)).item() == pytest.approx(math.log(2))


def test_dpo_margin_by_hand():
    margin = dpo_margins(
        torch.tensor([-3.0]), torch.tensor([-5.0]), torch.tensor([-4.0]), torch.tensor([-4.5]), beta=0.2
    )
    assert margin.item() == pytest.approx(0.2 * (1.0 - -0.5))
