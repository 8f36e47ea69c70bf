import math

import pytest
import torch

from components.objectives.preference_losses import bradley_terry_loss, centering_loss, dpo_margins


def bt(margins, probability=None, weight=None, margin=None, count=None):
    margins = torch.as_tensor(margins, dtype=torch.float64)
    ones = torch.ones_like(margins)
    probability = ones if probability is None else torch.as_tensor(probability, dtype=torch.float64)
    weight = ones if weight is None else torch.as_tensor(weight, dtype=torch.float64)
    margin = None if margin is None else torch.tensor(margin, dtype=torch.float64)
    return bradley_terry_loss(margins, probability, weight, margin, count)


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


def test_a_constant_added_to_both_scores_changes_nothing():
    # Powers of two and small integers: the sums are exact in float64.
    chosen, rejected = torch.tensor([1.5, -0.25]).double(), torch.tensor([0.5, 2.0]).double()
    assert bt(chosen + 1024 - (rejected + 1024)).item() == bt(chosen - rejected).item()


@pytest.mark.parametrize("probability", [1.0, 0.7, 0.5])
@pytest.mark.parametrize("margin", [None, [0.5]])
def test_the_gradient_is_antisymmetric(probability, margin):
    """What one score gains the other loses; with the answers swapped and the label turned, the roles are swapped."""
    scores = torch.tensor([1.3, 0.4], dtype=torch.float64, requires_grad=True)
    bt((scores[0] - scores[1]).unsqueeze(0), [probability], margin=margin).backward()
    first, second = scores.grad.tolist()
    assert first == pytest.approx(-second)
    scores.grad = None
    bt((scores[1] - scores[0]).unsqueeze(0), [1 - probability], margin=margin).backward()
    assert scores.grad.tolist() == pytest.approx([first, second])
    # 1 - sigmoid(0.9 - m), soft: sigmoid(-(d - m)) * p - sigmoid(d + m) * (1 - p)
    m = 0.0 if margin is None else 0.5
    pull = probability / (1 + math.exp(0.9 - m)) - (1 - probability) / (1 + math.exp(-0.9 - m))
    assert first == pytest.approx(-pull)


def test_the_preferred_answer_must_lead_by_the_margin():
    # Touvron 2023, eq. 2: at a lead equal to the margin the loss is log 2; below it, more.
    assert bt([1.0], margin=[1.0]).item() == pytest.approx(math.log(2))
    assert bt([3.0], margin=[1.0]).item() == pytest.approx(math.log(1 + math.exp(-2)))
    assert bt([-3.0], [0.0], margin=[1.0]).item() == pytest.approx(math.log(1 + math.exp(-2)))
    soft = 0.7 * math.log(1 + math.exp(-1)) + 0.3 * math.log(1 + math.exp(3))
    assert bt([2.0], [0.7], margin=[1.0]).item() == pytest.approx(soft)


def test_a_tie_with_a_margin_is_still_best_at_no_lead():
    lead = torch.tensor([0.0], dtype=torch.float64, requires_grad=True)
    bt(lead, [0.5], margin=[1.0]).backward()
    assert lead.grad.item() == 0.0
    assert bt([0.3], [0.5], margin=[1.0]) > bt([0.0], [0.5], margin=[1.0])
    assert bt([-0.3], [0.5], margin=[1.0]) > bt([0.0], [0.5], margin=[1.0])


def test_centering_with_weights_and_a_count_by_hand():
    # (1 + .5)^2 = 2.25 of weight 2, (-2 + 2)^2 = 0, (1 + 1)^2 = 4 of weight .5: 6.5 / 10
    scores = torch.tensor([1.0, -2.0, 1.0]), torch.tensor([0.5, 2.0, 1.0])
    assert centering_loss(*scores, torch.tensor([2.0, 1.0, 0.5]), count=10).item() == pytest.approx(0.65)


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
