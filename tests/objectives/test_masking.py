import math

import pytest
import torch

from components.objectives.masking import masked_mean, masked_sum, masked_variance, weighted_mean, whiten

VALUES = torch.tensor([[1.0, 2.0, float("nan")], [6.0, float("inf"), 7.0]], dtype=torch.float64)
MASK = torch.tensor([[True, True, False], [True, False, False]])


def test_sum_and_mean_count_real_tokens_only():
    assert masked_sum(VALUES, MASK).item() == 9.0
    assert masked_mean(VALUES, MASK).item() == 3.0


def test_mean_is_over_tokens_not_over_rows():
    # Row means are 1.5 and 6; their mean, 3.75, is the classic mistake.
    assert masked_mean(VALUES, MASK).item() != pytest.approx(3.75)


def test_whitening_by_hand():
    # 1, 2, 6: mean 3, variance (4 + 1 + 9) / 3 = 14 / 3.
    std = math.sqrt(14 / 3)
    white = whiten(VALUES, MASK)
    assert white[0].tolist() == pytest.approx([-2 / std, -1 / std, 0.0], abs=1e-6)
    assert white[1].tolist() == pytest.approx([3 / std, 0.0, 0.0], abs=1e-6)


def test_whitening_equal_values_gives_zeros():
    white = whiten(torch.full((2, 3), 5.0), torch.ones(2, 3, dtype=torch.bool))
    assert white.tolist() == [[0.0] * 3] * 2


def test_whitened_values_have_mean_0_and_variance_1_at_real_tokens():
    torch.manual_seed(0)
    values, mask = torch.randn(5, 7, dtype=torch.float64) * 3 + 2, torch.rand(5, 7) < 0.6
    real = whiten(values, mask)[mask]
    assert real.mean().item() == pytest.approx(0.0, abs=1e-12)
    # The constant under the root, 1e-8 against a variance of about 9.
    assert real.square().mean().item() == pytest.approx(1.0, abs=1e-8)


def test_variance_by_hand():
    assert masked_variance(VALUES, MASK).item() == pytest.approx(14 / 3)


def test_a_given_count_is_what_the_sum_is_divided_by():
    assert masked_mean(VALUES, MASK, count=18).item() == 0.5
    assert masked_mean(VALUES, MASK, torch.tensor(18)).item() == 0.5


def test_weighted_mean_by_hand():
    losses, weight = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 0.5])
    assert weighted_mean(losses, weight).item() == 2.0  # (3 + 1) / 2, not / 3.5
    assert weighted_mean(losses, None).item() == 1.5
    assert weighted_mean(losses, weight, count=8).item() == 0.5
