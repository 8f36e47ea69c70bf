import pytest
import torch

from components.objectives.kl import k1, k3


def test_equal_policies_have_none():
    logprobs = torch.randn(4, 3)
    for estimator in (k1, k3):
        assert estimator(logprobs, logprobs).abs().max() == 0


def test_by_hand():
    new, ref = torch.tensor(-1.0), torch.tensor(-3.0)
    assert k1(new, ref).item() == 2.0
    assert k3(new, ref).item() == pytest.approx(0.1353353 - 1.0 + 2.0)


def test_k3_is_never_negative():
    assert (k3(torch.randn(1000) * 5, torch.randn(1000) * 5) >= 0).all()


def test_k1_and_k3_approach_the_exact_categorical_kl():
    torch.manual_seed(0)
    p, q = torch.softmax(torch.randn(6).double(), 0), torch.softmax(torch.randn(6).double(), 0)
    exact = (p * (p / q).log()).sum()
    draws = torch.multinomial(p, 200_000, replacement=True)
    for estimator in (k1, k3):
        estimates = estimator(p.log()[draws], q.log()[draws])
        error = estimates.std() / 200_000**0.5
        assert abs(estimates.mean() - exact) < 4 * error
