import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from components.objectives.information import (
    after_label,
    binary_entropy,
    expected_information,
    head_covariance,
    label_noise,
)


def information(mean, variance):
    return float(expected_information(torch.tensor([mean]), torch.tensor([variance]))[0])


def test_information_by_hand():
    # A known margin: the label is noise alone.
    assert information(0.0, 0.0) == 0.0
    # mean 0: 1 bit, less C / sqrt(s + C^2) with C^2 = pi ln 2 / 2 and s = pi / 8 * variance; 12 ln 2 makes s = 3 C^2.
    assert information(0.0, 12 * math.log(2)) == pytest.approx(0.5)
    assert information(0.0, 1e12) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("mean", [0.0, 0.5, -1.0, 2.0, 4.0])
@pytest.mark.parametrize("variance", [0.01, 0.3, 1.0, 4.0, 16.0])
def test_information_is_near_the_integral(mean, variance):
    """The mutual information of label and margin, by Gauss-Hermite quadrature of the logistic model itself."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    chances = 1 / (1 + np.exp(-(mean + math.sqrt(variance) * nodes)))
    weights = weights / weights.sum()

    def entropy(p):
        p = np.clip(p, 1e-300, 1 - 1e-16)
        return -(p * np.log2(p) + (1 - p) * np.log2(1 - p))

    exact = entropy(weights @ chances) - weights @ entropy(chances)
    assert information(mean, variance) == pytest.approx(exact, abs=0.04)


def test_a_tie_that_is_known_teaches_less_than_a_lead_that_is_not():
    assert information(0.0, 0.01) < information(2.0, 4.0)
    # Equally unsure, the nearer to a tie the more; which side is better is all one.
    assert information(2.0, 1.0) < information(1.0, 1.0) < information(0.0, 1.0)
    assert information(-1.0, 1.0) == pytest.approx(information(1.0, 1.0))


def test_entropy_by_hand():
    # 0.25: 0.25 * 2 + 0.75 * log2(4 / 3)
    expected = [0.0, 0.5 + 0.75 * math.log2(4 / 3), 1.0, 0.0]
    assert binary_entropy(torch.tensor([0.0, 0.25, 0.5, 1.0])).tolist() == pytest.approx(expected)


def test_noise_by_hand():
    # p = 1/2: 1 / (1/4); p = 3/4: 1 / (3/16)
    assert label_noise(torch.tensor([0.0, math.log(3)])).tolist() == pytest.approx([4.0, 16 / 3])


def test_a_label_by_hand():
    # C = [[4, 2], [2, 2]]; c = (4, 2) of the first, noise 4: C - c c^T / 8
    factors = torch.tensor([[2.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
    after = after_label(factors, 0, 4.0)
    assert (after.T @ after).tolist() == [
        pytest.approx([2.0, 1.0]),
        pytest.approx([1.0, 1.5]),
    ]


def test_the_label_of_a_known_margin_changes_nothing():
    factors = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    assert after_label(factors, 0, 4.0).tolist() == [[0.0, 1.0]]


def test_covariance_by_hand():
    # H = I + 4 * 1/4 * (1, 1)(1, 1)^T = [[2, 1], [1, 2]]
    factor = head_covariance(torch.tensor([[1.0, 1.0]]), torch.tensor([0.5]), torch.tensor([4.0]), 1.0)
    assert (factor.T @ factor).flatten().tolist() == pytest.approx([2 / 3, -1 / 3, -1 / 3, 2 / 3])


def test_covariance_is_the_inverse_of_the_losses_curvature():
    torch.manual_seed(3)
    differences, head = torch.randn(20, 4, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    weights, votes = torch.rand(20, dtype=torch.float64), torch.rand(20, dtype=torch.float64)

    def loss(head):
        bits = F.binary_cross_entropy_with_logits(differences @ head, votes, weights, reduction="sum")
        return bits + 5.0 / 2 * head @ head

    curvature = torch.autograd.functional.hessian(loss, head)
    factor = head_covariance(differences, (differences @ head).sigmoid(), weights, 5.0)
    assert torch.allclose(factor.T @ factor, torch.linalg.inv(curvature))
