import pytest
import torch

from components.objectives.kl import k1, k2, k3


def test_equal_policies_have_none():
    logprobs = torch.randn(4, 3)
    for estimator in (k1, k2, k3):
        assert estimator(logprobs, logprobs).abs().max() == 0


def test_by_hand():
    new, ref = torch.tensor(-1.0), torch.tensor(-3.0)
    assert k1(new, ref).item() == 2.0
    assert k1(ref, new).item() == -2.0
    assert k2(new, ref).item() == 2.0
    assert k2(torch.tensor(-1.0), torch.tensor(-4.0)).item() == 4.5
    assert k3(new, ref).item() == pytest.approx(0.1353353 - 1.0 + 2.0)


@pytest.mark.parametrize("size", [1e-7, 1e-5, 1e-3, 0.1, 5.0])
def test_k3_is_never_negative_not_even_by_rounding(size):
    torch.manual_seed(0)
    assert (k3(torch.randn(10_000) * size, torch.zeros(10_000)) >= 0).all()


def test_k3_of_a_small_difference_is_right_in_fp32():
    # d = 1e-3: d^2 / 2 - d^3 / 6 = 5e-7 - 1.7e-10; exp(-d) - 1 + d would be off by 10 %.
    estimate = k3(torch.tensor(1e-3), torch.tensor(0.0)).item()
    # expm1 has a relative error of 6e-8 in 1e-3, 1.2e-4 of the answer.
    assert estimate == pytest.approx(4.998334e-7, rel=2e-4)


def test_k1_and_k3_approach_the_exact_categorical_kl():
    torch.manual_seed(0)
    p, q = torch.softmax(torch.randn(6).double(), 0), torch.softmax(torch.randn(6).double(), 0)
    exact = (p * (p / q).log()).sum()
    draws = torch.multinomial(p, 200_000, replacement=True)
    for estimator in (k1, k3):
        estimates = estimator(p.log()[draws], q.log()[draws])
        error = estimates.std() / 200_000**0.5
        assert abs(estimates.mean() - exact) < 4 * error


def test_the_gradient_of_k2_on_policy_samples_is_that_of_the_kl():
    # Exactly, as the sum over all six tokens with their probabilities, not by sampling.
    torch.manual_seed(0)
    logits, other = (torch.randn(6, dtype=torch.float64) for _ in range(2))
    logits.requires_grad_()
    logp, logq = logits.log_softmax(0), other.log_softmax(0)
    expected = torch.autograd.grad((logp.exp() * (logp - logq)).sum(), logits, retain_graph=True)[0]
    got = torch.autograd.grad((logp.detach().exp() * k2(logp, logq)).sum(), logits)[0]
    torch.testing.assert_close(got, expected)
