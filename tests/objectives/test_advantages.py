import pytest
import torch

from components.objectives.advantages import gae, rewards_from_scores

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
    for b, length in enumerate(lengths):
        tail = GAMMA**length * bootstrap[b]
        expected = sum(GAMMA**t * rewards[b, t] for t in range(length)) + tail
        assert returns[b, 0].item() == pytest.approx(expected.item())


def test_lambda_0_gives_the_td_error(case):
    rewards, values, mask, _, bootstrap = case
    advantages, _ = gae(rewards, values, mask, bootstrap, GAMMA, 0.0)
    assert advantages[1, 0].item() == pytest.approx(
        (rewards[1, 0] + GAMMA * values[1, 1] - values[1, 0]).item()
    )
    assert advantages[2, 0].item() == pytest.approx((rewards[2, 0] + GAMMA * -1.2 - values[2, 0]).item())


def test_garbage_behind_the_mask_changes_nothing(case):
    rewards, values, mask, _, bootstrap = case
    clean = gae(rewards, values, mask, bootstrap, GAMMA, LAM)
    rewards, values = rewards.masked_fill(~mask, float("nan")), values.masked_fill(~mask, 1e9)
    dirty = gae(rewards, values, mask, bootstrap, GAMMA, LAM)
    assert torch.equal(clean[0], dirty[0])
    assert torch.equal(clean[1], dirty[1])


def test_the_score_lands_on_the_last_real_token_and_kl_everywhere():
    mask = torch.tensor([[True, True, False], [True, True, True]])
    kl = torch.tensor([[0.5, -0.25, 9.0], [1.0, 0.0, 2.0]])
    rewards = rewards_from_scores(torch.tensor([3.0, -1.0]), kl, mask, kl_coef=0.1)
    assert rewards[0].tolist() == pytest.approx([-0.05, 3.025, 0.0])
    assert rewards[1].tolist() == pytest.approx([-0.1, 0.0, -1.2])
