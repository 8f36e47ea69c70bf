import math

import pytest
import torch

from components.objectives.group_advantages import group_normalised, leave_one_out, spread_over_tokens

#: Prompt 7 has three responses (1, 2, 6), prompt 3 has two (10, 4), prompt 5 one; in no order.
SCORES = torch.tensor([1.0, 10.0, 2.0, 99.0, 4.0, 6.0], dtype=torch.float64)
GROUPS = torch.tensor([7, 3, 7, 5, 3, 7])


def test_leave_one_out_by_hand():
    # 1 - (2 + 6) / 2, 10 - 4, 2 - (1 + 6) / 2, alone, 4 - 10, 6 - (1 + 2) / 2
    assert leave_one_out(SCORES, GROUPS).tolist() == pytest.approx([-3.0, 6.0, -1.5, 0.0, -6.0, 4.5])


def test_leave_one_out_equals_the_mean_of_the_others():
    torch.manual_seed(0)
    scores = torch.randn(40, dtype=torch.float64)
    groups = torch.arange(40) ** 2 % 7  # of 6, 11, 12 and 11
    for i, advantage in enumerate(leave_one_out(scores, groups).tolist()):
        others = [scores[j].item() for j in range(40) if j != i and groups[j] == groups[i]]
        assert advantage == pytest.approx(scores[i].item() - sum(others) / len(others))


def test_group_normalised_by_hand_with_the_population_std():
    # 1, 2, 6: mean 3, variance 14 / 3;  10, 4: mean 7, std 3;  one alone: 0.
    std = math.sqrt(14 / 3)
    expected = [-2 / std, 1.0, -1 / std, 0.0, -1.0, 3 / std]
    assert group_normalised(SCORES, GROUPS, eps=0.0)[GROUPS != 5].tolist() == pytest.approx(
        [value for value in expected if value != 0.0]
    )
    # eps 1e-4 on a std of 2 to 3 moves a value by less than 1e-4
    assert group_normalised(SCORES, GROUPS).tolist() == pytest.approx(expected, abs=1e-4)


def test_eps_is_added_to_the_std():
    assert group_normalised(SCORES[[1, 4]], GROUPS[[1, 4]], eps=1.0).tolist() == pytest.approx([0.75, -0.75])


def test_equal_scores_say_nothing_even_in_fp32():
    scores, groups = torch.full((7,), 0.1), torch.zeros(7, dtype=torch.long)
    # fp32: the mean of seven 0.1 is off by at most some 1e-8, which eps (1e-4) holds below 1e-3.
    assert leave_one_out(scores, groups).abs().max() < 1e-6
    assert group_normalised(scores, groups).abs().max() < 1e-3


def test_a_group_does_not_feel_another_one():
    moved = torch.where(GROUPS == 3, SCORES * 100, SCORES)
    for estimator in (leave_one_out, group_normalised):
        same = estimator(moved, GROUPS) == estimator(SCORES, GROUPS)
        assert same.tolist() == (GROUPS != 3).tolist()


def test_no_gradient_flows_into_the_scores():
    scores = SCORES.clone().requires_grad_()
    assert not leave_one_out(scores, GROUPS).requires_grad
    assert not group_normalised(scores, GROUPS).requires_grad


def test_every_real_token_gets_the_advantage_of_its_response():
    mask = torch.tensor([[True, True, False], [True, False, False]])
    spread = spread_over_tokens(torch.tensor([2.0, -1.0]), mask)
    assert spread.tolist() == [[2.0, 2.0, 0.0], [-1.0, 0.0, 0.0]]
