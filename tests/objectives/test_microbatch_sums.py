"""Parts of a minibatch, each divided by the count of the whole, add up to the whole: losses, gradients, figures."""

import pytest
import torch

from components.objectives.masking import masked_mean
from components.objectives.policy_losses import ppo_policy_loss, reinforce_policy_loss
from components.objectives.preference_losses import bradley_terry_loss, centering_loss
from components.objectives.rating_losses import ordinal_loss, pointwise_loss
from components.objectives.value_losses import clipped_value_loss, value_clip_fraction

ROWS, LENGTH = 8, 6
LENGTHS = torch.tensor([1, 6, 2, 5, 1, 4, 3, 6])
MASK = torch.arange(LENGTH) < LENGTHS.unsqueeze(1)
#: Of uneven sizes, as a token budget makes them.
PARTS = (slice(0, 1), slice(1, 4), slice(4, 8))


def numbers(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


A, B, C = (numbers(ROWS, LENGTH, seed=seed) for seed in range(3))
D, E = numbers(ROWS, seed=3), numbers(ROWS, seed=4)
P, W, M = numbers(ROWS, seed=5).sigmoid(), E.exp(), E.abs()
LEVELS, THRESHOLDS = torch.arange(ROWS) % 3, torch.tensor([-0.5, 0.5], dtype=torch.float64)

TOKEN_LOSSES = {
    "ppo": lambda x, s, **n: ppo_policy_loss(x, B[s], C[s], MASK[s], 0.2, 3.0, **n).loss,
    "reinforce": lambda x, s, **n: reinforce_policy_loss(x, B[s], C[s], MASK[s], **n).loss,
    "value": lambda x, s, **n: clipped_value_loss(x, B[s], C[s], MASK[s], 0.2, **n),
    "sft": lambda x, s, **n: masked_mean(-x, MASK[s], **n),
}
PAIR_LOSSES = {
    "bradley_terry": lambda x, s, **n: bradley_terry_loss(x, P[s], W[s], M[s], **n),
    "centering": lambda x, s, **n: centering_loss(x, E[s], W[s], **n),
    "ordinal": lambda x, s, **n: ordinal_loss(x, LEVELS[s], THRESHOLDS, W[s], **n),
    "pointwise": lambda x, s, **n: pointwise_loss(x, P[s], W[s], **n),
}
CASES = [(loss, A, MASK.sum()) for loss in TOKEN_LOSSES.values()]
CASES += [(loss, D, ROWS) for loss in PAIR_LOSSES.values()]
NAMES = [*TOKEN_LOSSES, *PAIR_LOSSES]


def value_and_gradient(loss, data):
    """`loss(x)` and its gradient at `data`."""
    x = data.clone().requires_grad_()
    value = loss(x)
    value.backward()
    return value.item(), x.grad


@pytest.mark.parametrize(("loss", "data", "count"), CASES, ids=NAMES)
def test_sums_over_the_global_count_add_up(loss, data, count):
    whole, gradient = value_and_gradient(lambda x: loss(x, slice(None)), data)
    parts, added = value_and_gradient(lambda x: sum(loss(x[s], s, count=count) for s in PARTS), data)
    # float64: only the order of the additions differs.
    assert parts == pytest.approx(whole, rel=1e-12)
    torch.testing.assert_close(added, gradient, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("loss", "data", "count"), CASES, ids=NAMES)
def test_the_mean_of_the_parts_means_is_another_objective(loss, data, count):
    whole, gradient = value_and_gradient(lambda x: loss(x, slice(None)), data)
    means, other = value_and_gradient(lambda x: sum(loss(x[s], s) for s in PARTS) / len(PARTS), data)
    assert abs(means - whole) > 0.01 * abs(whole)
    assert not torch.allclose(other, gradient, rtol=0.01)


def test_what_is_watched_adds_up_too():
    def figures(s, **count):
        losses = ppo_policy_loss(A[s], B[s], C[s], MASK[s], 0.2, **count)
        share = value_clip_fraction(A[s], B[s], C[s], MASK[s], 0.2, **count)
        return torch.stack([*vars(losses).values(), share])

    whole, parts = figures(slice(None)), sum(figures(s, count=MASK.sum()) for s in PARTS)
    assert (whole != 0).all()
    torch.testing.assert_close(parts, whole, rtol=1e-12, atol=0.0)


def test_flat_tokens_give_what_padded_rows_give():
    rows = ppo_policy_loss(A, B, C, MASK, 0.2)
    flat = ppo_policy_loss(A[MASK], B[MASK], C[MASK], torch.ones(28, dtype=torch.bool), 0.2)
    assert int(MASK.sum()) == 28
    for name, figure in vars(rows).items():
        assert vars(flat)[name].item() == pytest.approx(figure.item(), rel=1e-12)


def test_a_part_without_a_real_token_adds_nothing():
    nothing = torch.zeros(1, LENGTH, dtype=torch.bool)
    assert ppo_policy_loss(A[:1], B[:1], C[:1], nothing, 0.2, count=28).loss.item() == 0.0
