import pytest
import torch

from components.objectives.advantages import discounted_returns, gae

GAMMA, LAM = 0.9, 0.8


def double_sum(rewards, values, lengths, bootstrap, gamma, lam):
    """The definition, O(T^2): A_t = sum_l (gamma lam)^l delta_{t+l} (Schulman 2015, eq. 16)."""
    out = torch.zeros_like(rewards)
    for b, length in enumerate(lengths):
        following = [*values[b, 1:length].tolist(), bootstrap[b].item()]
        deltas = [rewards[b, t] + gamma * following[t] - values[b, t] for t in range(length)]
        for t in range(length):
            out[b, t] = sum((gamma * lam) ** (k - t) * deltas[k] for k in range(t, length))
    return out


def monte_carlo(rewards, lengths, bootstrap, gamma):
    """The definition, O(T^2): G_t = sum_k gamma^(k - t) r_k + gamma^(T - t) V_T."""
    out = torch.zeros_like(rewards)
    for b, length in enumerate(lengths):
        for t in range(length):
            rest = sum(gamma ** (k - t) * rewards[b, k] for k in range(t, length))
            out[b, t] = rest + gamma ** (length - t) * bootstrap[b]
    return out


@pytest.fixture
def case():
    torch.manual_seed(0)
    rewards, values = torch.randn(3, 5, dtype=torch.float64), torch.randn(3, 5, dtype=torch.float64)
    lengths = [5, 3, 1]
    mask = torch.arange(5) < torch.tensor(lengths).unsqueeze(1)
    return rewards, values, mask, lengths, torch.tensor([0.7, 0.0, -1.2], dtype=torch.float64)


def test_by_hand():
    # deltas: 1 + .9*.5 - 0 = 1.45;  2 + .9*0 - .5 = 1.5;  A1 = 1.45 + .72 * 1.5 = 2.53
    advantages, returns = gae(
        torch.tensor([[1.0, 2.0]], dtype=torch.float64),
        torch.tensor([[0.0, 0.5]], dtype=torch.float64),
        torch.ones(1, 2, dtype=torch.bool),
        torch.zeros(1, dtype=torch.float64),
        GAMMA,
        LAM,
    )
    assert advantages[0].tolist() == pytest.approx([2.53, 1.5])
    assert returns[0].tolist() == pytest.approx([2.53, 2.0])


def test_equals_the_double_sum_with_uneven_lengths_and_bootstrap(case):
    rewards, values, mask, lengths, bootstrap = case
    advantages, _ = gae(rewards, values, mask, bootstrap, GAMMA, LAM)
    torch.testing.assert_close(advantages, double_sum(rewards, values, lengths, bootstrap, GAMMA, LAM))


def test_lambda_1_gives_monte_carlo_returns(case):
    rewards, values, mask, lengths, bootstrap = case
    _, returns = gae(rewards, values, mask, bootstrap, GAMMA, 1.0)
    torch.testing.assert_close(returns, monte_carlo(rewards, lengths, bootstrap, GAMMA))


def test_lambda_0_gives_the_td_error(case):
    rewards, values, mask, lengths, bootstrap = case
    advantages, _ = gae(rewards, values, mask, bootstrap, GAMMA, 0.0)
    for b, length in enumerate(lengths):
        following = [*values[b, 1:length].tolist(), bootstrap[b].item()]
        for t in range(length):
            error = rewards[b, t] + GAMMA * following[t] - values[b, t]
            assert advantages[b, t].item() == pytest.approx(error.item())


def test_a_response_of_one_token_by_hand():
    # cut by length: 1 + .9 * 2 - .5 = 2.3;  ended: 1 - .5 = .5
    ones, half = torch.ones(2, 1, dtype=torch.float64), torch.full((2, 1), 0.5, dtype=torch.float64)
    bootstrap = torch.tensor([2.0, 0.0], dtype=torch.float64)
    advantages, returns = gae(ones, half, torch.ones(2, 1, dtype=torch.bool), bootstrap, GAMMA, LAM)
    assert advantages[:, 0].tolist() == pytest.approx([2.3, 0.5])
    assert returns[:, 0].tolist() == pytest.approx([2.8, 1.0])


def test_garbage_behind_the_mask_changes_nothing(case):
    rewards, values, mask, _, bootstrap = case
    clean = gae(rewards, values, mask, bootstrap, GAMMA, LAM)
    rewards, values = rewards.masked_fill(~mask, float("nan")), values.masked_fill(~mask, 1e9)
    dirty = gae(rewards, values, mask, bootstrap, GAMMA, LAM)
    assert torch.equal(clean[0], dirty[0])
    assert torch.equal(clean[1], dirty[1])


def test_discounted_returns_by_hand():
    # 1 + .9 * (2 + .9 * 3) = 5.23;  2 + .9 * 3 = 4.7;  cut after one token: 4 + .9 * 10 = 13
    rewards = torch.tensor([[1.0, 2.0, 3.0], [4.0, float("nan"), 5.0]], dtype=torch.float64)
    mask = torch.tensor([[True, True, True], [True, False, False]])
    bootstrap = torch.tensor([0.0, 10.0], dtype=torch.float64)
    returns = discounted_returns(rewards, mask, GAMMA, bootstrap)
    assert returns[0].tolist() == pytest.approx([5.23, 4.7, 3.0])
    assert returns[1].tolist() == pytest.approx([13.0, 0.0, 0.0])
    assert discounted_returns(rewards, mask, GAMMA)[1].tolist() == [4.0, 0.0, 0.0]


def test_discounted_returns_equal_the_double_sum_with_uneven_lengths(case):
    rewards, _, mask, lengths, bootstrap = case
    expected = monte_carlo(rewards, lengths, bootstrap, GAMMA)
    torch.testing.assert_close(discounted_returns(rewards, mask, GAMMA, bootstrap), expected)


def test_what_comes_out_carries_no_gradient(case):
    rewards, values, mask, _, bootstrap = case
    advantages, returns = gae(rewards, values.requires_grad_(), mask, bootstrap, GAMMA, LAM)
    assert not advantages.requires_grad
    assert not returns.requires_grad
    assert not discounted_returns(rewards, mask, GAMMA, values[:, 0]).requires_grad
