import math

import pytest
import torch

from components.objectives.rewards import rewards_from_scores, scale_rewards


def test_the_score_lands_on_the_last_real_token_and_kl_everywhere():
    mask = torch.tensor([[True, True, False], [True, True, True]])
    kl = torch.tensor([[0.5, -0.25, 9.0], [1.0, 0.0, 2.0]])
    rewards = rewards_from_scores(torch.tensor([3.0, -1.0]), kl, mask, kl_coef=0.1)
    assert rewards[0].tolist() == pytest.approx([-0.05, 3.025, 0.0])
    assert rewards[1].tolist() == pytest.approx([-0.1, 0.0, -1.2])


def test_scaling_divides_the_deviations_by_the_std_and_keeps_the_mean():
    # 1, 2, 6: mean 3, std sqrt(14 / 3).
    std = math.sqrt(14 / 3)
    rewards = torch.tensor([[1.0, 2.0, float("nan")], [6.0, float("inf"), 7.0]], dtype=torch.float64)
    mask = torch.tensor([[True, True, False], [True, False, False]])
    scaled = scale_rewards(rewards, mask)
    # abs 1e-6: the constant under the root.
    assert scaled[0].tolist() == pytest.approx([3 - 2 / std, 3 - 1 / std, 0.0], abs=1e-6)
    assert scaled[1].tolist() == pytest.approx([3 + 3 / std, 0.0, 0.0], abs=1e-6)


def test_scaling_equal_rewards_leaves_them():
    rewards = torch.full((2, 3), 5.0)
    assert scale_rewards(rewards, torch.ones(2, 3, dtype=torch.bool)).tolist() == rewards.tolist()
