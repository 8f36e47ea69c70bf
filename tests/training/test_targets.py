"""What each algorithm aims at, worked out by hand on a few tokens."""

import dataclasses
from statistics import fmean, pstdev

import pytest
import torch
from training.policy_case import params_of

from components.training.encoding import Encoded
from components.training.rollouts import Rollouts
from components.training.targets import compute_targets, sequence_kl

#: A first response of two tokens that ended itself, and one of three that was cut.
TWO = Rollouts(
    rows=[Encoded([5], [6, 0]), Encoded([5], [7, 8, 9])],
    groups=torch.tensor([0, 1]),
    response_mask=torch.tensor([[True, True, False], [True, True, True]]),
    ended=torch.tensor([True, False]),
    # Garbage behind the mask.
    logprobs=torch.tensor([[-1.0, -2.0, 9.0], [-1.0, -1.0, -1.0]]),
    ref_logprobs=torch.tensor([[-1.5, -1.0, -9.0], [-1.0, -1.0, -1.0]]),
    behaviour=torch.tensor([[-5.0, -5.0, 9.0], [-5.0, -5.0, -5.0]]),
    values=torch.tensor([[0.0, 0.0, 0.0], [0.5, 1.0, 2.0]]),
    bootstrap=torch.tensor([0.0, 4.0]),
    scores=torch.tensor([3.0, -7.0]),
    disagreement=torch.tensor([0.5, 1.5]),
)
#: Two responses to each of two prompts; the KL penalty is the first's alone.
FOUR = dataclasses.replace(
    TWO,
    rows=TWO.rows * 2,
    groups=torch.tensor([4, 4, 2, 2]),
    response_mask=TWO.response_mask.repeat(2, 1),
    ended=torch.tensor([True] * 4),
    logprobs=TWO.logprobs.repeat(2, 1),
    ref_logprobs=torch.cat([TWO.ref_logprobs, TWO.logprobs]),
    behaviour=TWO.behaviour.repeat(2, 1),
    values=torch.zeros(4, 3),
    bootstrap=torch.zeros(4),
    scores=torch.tensor([3.0, 1.0, 2.0, 5.0]),
    disagreement=torch.zeros(4),
)


def whitened(numbers):
    return [(number - fmean(numbers)) / pstdev(numbers) for number in numbers]


def flat(table, rollouts=TWO):
    return table[rollouts.response_mask].tolist()


def test_ppo_by_hand():
    """gamma 1, lambda 0.95, KL coefficient 0.05, and what the critic expects after the cut."""
    targets = compute_targets(TWO, params_of(gamma=1.0, lam=0.95), 0.05)
    # -0.05 * 0.5, and 3 + 0.05; the second response has no KL.
    assert flat(targets.rewards) == pytest.approx([-0.025, 3.05, 0.0, 0.0, -7.0])
    # A2 = 3.05, A1 = -0.025 + 0.95 * 3.05; then -7 + 4 - 2, (2 - 1) - 0.95 * 5, (1 - 0.5) - 0.95 * 3.75
    raw = [2.8725, 3.05, -3.0625, -3.75, -5.0]
    assert flat(targets.advantages) == pytest.approx(whitened(raw), abs=1e-5)
    assert flat(targets.returns) == pytest.approx([2.8725, 3.05, -2.5625, -2.75, -3.0], abs=1e-5)
    assert targets.advantages[0, 2] == targets.returns[0, 2] == targets.rewards[0, 2] == 0.0


def test_an_ending_is_not_bootstrapped_and_a_cut_is():
    cut = compute_targets(TWO, params_of(), 0.05).returns[1]
    ended = dataclasses.replace(TWO, bootstrap=torch.zeros(2))
    as_if_ended = compute_targets(ended, params_of(), 0.05).returns[1]
    # V after the cut is 4: all of it at the last token, times 0.95 a step before.
    assert (cut - as_if_ended).tolist() == pytest.approx([4 * 0.95**2, 4 * 0.95, 4.0], abs=1e-5)


def test_reinforce_by_hand():
    """gamma 0.5: G = -0.025 + 1.525 and 3.05; -7 + 0.5 * 4 and half of it a token before. Less the critic's values."""
    targets = compute_targets(TWO, params_of(algorithm="reinforce", epochs=1, gamma=0.5), 0.05)
    assert flat(targets.returns) == pytest.approx([1.5, 3.05, -1.25, -2.5, -5.0])
    assert flat(targets.advantages) == pytest.approx(whitened([1.5, 3.05, -1.75, -3.5, -7.0]), abs=1e-5)
    assert targets.advantages[0, 2] == targets.returns[0, 2] == 0.0


def test_rloo_by_hand():
    """The penalised score of a response less that of the other: 3.025 and 1; 2 and 5."""
    targets = compute_targets(FOUR, params_of(algorithm="rloo", samples_per_prompt=2), 0.05)
    expected = [2.025] * 2 + [-2.025] * 3 + [-3.0] * 2 + [3.0] * 3
    assert flat(targets.advantages, FOUR) == pytest.approx(expected, abs=1e-5)
    assert targets.advantages[0, 2] == 0.0
    assert (targets.returns == 0).all()


def test_grpo_by_hand():
    """Means 2 and 3.5, standard deviations 1 and 1.5; the KL is no part of it, whatever its weight."""
    for kl_coef in (0.0, 100.0):
        targets = compute_targets(FOUR, params_of(algorithm="grpo", samples_per_prompt=2), kl_coef)
        expected = [1.0] * 2 + [-1.0] * 3 + [-1.0] * 2 + [1.0] * 3
        # 1e-4 is added to the standard deviation.
        assert flat(targets.advantages, FOUR) == pytest.approx(expected, abs=2e-4)
        assert targets.advantages[0, 2] == 0.0
        assert flat(targets.rewards, FOUR) == [0, 3, 0, 0, 1, 0, 2, 0, 0, 5]


@pytest.mark.parametrize("algorithm", ["ppo", "reinforce"])
def test_whitened_rewards_have_variance_1_and_their_own_mean(algorithm):
    params = params_of(algorithm=algorithm, epochs=1, whiten_rewards=True)
    rewards = flat(compute_targets(TWO, params, 0.05).rewards)
    plain = [-0.025, 3.05, 0.0, 0.0, -7.0]
    assert fmean(rewards) == pytest.approx(fmean(plain), abs=1e-5)
    assert pstdev(rewards) == pytest.approx(1.0, abs=1e-5)
    assert rewards == pytest.approx([w + fmean(plain) for w in whitened(plain)], abs=1e-5)


def test_a_larger_penalty_is_a_smaller_reward():
    """The policy is likelier to say the first token than the reference by e^0.5: 0.5 nats times the coefficient."""
    small, large = (compute_targets(TWO, params_of(), coef).rewards[0] for coef in (0.1, 0.6))
    assert (small - large).tolist() == pytest.approx([0.25, -0.5, 0.0])


def test_sequence_kl_is_a_mean_of_sums():
    # 0.5 - 1 in the first response, 0 in the second.
    assert sequence_kl(TWO).item() == pytest.approx(-0.25)
