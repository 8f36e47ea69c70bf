"""How much a comparison would teach: what a label says of the score, beyond the noise that labels have anyway.

A margin is the difference of two answers' scores in log-odds: P(the first is preferred) = sigmoid(margin) (Bradley and
Terry 1952). What is believed of it is a normal distribution. Its variance is what more labels would make smaller;
that people differ on a near tie is noise, and stays. Everything is in double precision.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

#: sigmoid(x) is close to Phi(x * _PROBIT): both have the same slope at 0 (MacKay 1992).
_PROBIT = math.sqrt(math.pi / 8)
#: Houlsby's C squared: h(Phi(x)) is close to exp(-x^2 / (2 C^2)), in bits.
_C2 = math.pi * math.log(2) / 2


def expected_information(mean: Tensor, variance: Tensor) -> Tensor:
    """Bits that the label of a comparison is expected to tell about its margin: BALD (Houlsby 2011, eq. 3).

    The entropy of the label, less the entropy that it would have if the margin were known: a near tie that is known to
    be one teaches nothing, however unsure its label. At most 0.04 bits off the logistic model's own integral.

    Args:
        mean, variance: [N], of the belief in each margin.

    Returns:
        [N], from 0 to 1.
    """
    mean, variance = mean.double() * _PROBIT, variance.double() * _PROBIT**2
    chance = torch.special.ndtr(mean / torch.sqrt(variance + 1))
    of_noise = math.sqrt(_C2) * torch.exp(-(mean**2) / (2 * (variance + _C2))) / torch.sqrt(variance + _C2)
    return (binary_entropy(chance) - of_noise).clamp(min=0)


def binary_entropy(chance: Tensor) -> Tensor:
    """Bits in a label that is 1 with this chance; [N]."""
    return (torch.special.entr(chance) + torch.special.entr(1 - chance)) / math.log(2)


def label_noise(mean: Tensor) -> Tensor:
    """Variance of a margin as one label tells it: 1 / (p (1 - p)), by the curvature of the logistic loss at `mean`."""
    chance = torch.sigmoid(mean.double())
    return 1 / (chance * (1 - chance)).clamp(min=1e-12)


def after_label(factors: Tensor, place: int, noise: float) -> Tensor:
    """The belief in all margins once the label of one is known, whatever it says: Kalman's update in square root form
    (Potter 1963).

    Args:
        factors: [R, N] whose F^T F is the covariance of the margins.
        place: of the margin whose label is known; noise: variance with which it tells the margin.

    Returns:
        [R, N] factors of the covariance then, which is C - c c^T / (c_place + noise) with c its column of C.
    """
    seen = factors[:, place]
    variance = float(seen @ seen)
    if variance == 0:
        return factors
    shrink = (1 - math.sqrt(noise / (noise + variance))) / variance
    return factors - shrink * torch.outer(seen, seen @ factors)


def head_covariance(differences: Tensor, chances: Tensor, weights: Tensor, precision: float) -> Tensor:
    """Factor of the covariance of a linear head that has learned from comparisons: Laplace's approximation.

    The margin of a pair is the head applied to the difference of two states, so that the log posterior's curvature is
    precision * I + sum of weight * p (1 - p) * d d^T (MacKay 1992; of a network's last layer: Kristiadi 2020).

    Args:
        differences: [M, d] of the states of the pairs learned from; chances: [M] what the head says of each;
        weights: [M] in the loss.
        precision: of the prior, one over the variance of each weight.

    Returns:
        [d, d] factor G with G^T G the covariance.
    """
    differences = differences.double()
    curvature = weights.double() * chances.double() * (1 - chances.double())
    hessian = differences.T @ (curvature[:, None] * differences)
    hessian += precision * torch.eye(differences.shape[1], dtype=torch.float64, device=differences.device)
    lower = torch.linalg.cholesky(hessian)
    # H = L L^T, so H^-1 = (L^-1)^T L^-1.
    identity = torch.eye(lower.shape[0], dtype=torch.float64, device=lower.device)
    return torch.linalg.solve_triangular(lower, identity, upper=False)
