import math

import pytest

from components.errors import TrainingDivergedError
from components.training.guards import GradientGuard


def settled(total_steps=1000, norm=1.0):
    guard = GradientGuard(total_steps)
    for _ in range(20):
        assert guard.accepts(norm)
    return guard


def test_nothing_is_a_spike_before_the_run_is_known():
    guard = GradientGuard(1000)
    assert all(guard.accepts(10.0**power) for power in range(-10, 10))


def test_six_sigma_by_hand():
    """Equal norms have no spread, so 0.4 is taken: the limit is exp(6 * 0.4) = 11.02 times the mean."""
    assert settled().accepts(11.0)
    assert not settled().accepts(11.1)
    assert not settled(norm=50.0).accepts(555.0)
    assert settled(norm=50.0).accepts(550.0)


def test_the_runs_own_spread_counts():
    """Norms of 1 and e^2 in turn: mean of the logarithms 1, spread 1; the limit is near exp(7)."""
    guard = GradientGuard(1000)
    for _ in range(200):
        assert guard.accepts(1.0)
        assert guard.accepts(math.exp(2.0))
    # Running moments after an e^2: a little above 1, and a spread of about 1.
    assert guard.mean == pytest.approx(1.0, abs=0.05)
    assert math.sqrt(guard.variance) == pytest.approx(1.0, abs=0.05)
    assert not guard.accepts(math.exp(7.5))
    assert guard.accepts(math.exp(6.5))


def test_the_guard_follows_a_run_that_grows_slowly():
    guard = settled()
    norm = 1.0
    for _ in range(300):
        norm *= 1.02
        assert guard.accepts(norm)
    assert norm > 300


def test_a_spike_does_not_become_the_measure():
    guard = settled(total_steps=100_000)
    mean = guard.mean
    assert not any(guard.accepts(1e6) for _ in range(100))
    assert guard.mean == mean
    assert guard.skipped == 100
    assert guard.accepts(1.0)


@pytest.mark.parametrize(("total_steps", "allowed"), [(10, 1), (100, 1), (199, 1), (200, 2), (1000, 10)])
def test_more_spikes_than_one_percent_end_the_run(total_steps, allowed):
    guard = settled(total_steps)
    assert not any(guard.accepts(1e6) for _ in range(allowed))
    with pytest.raises(TrainingDivergedError) as caught:
        guard.accepts(1e6)
    assert caught.value.message.startswith("DIVERGED")
    assert f"{allowed + 1} of {total_steps}" in caught.value.message
    assert "learning rate" in caught.value.remedy


@pytest.mark.parametrize("norm", [float("nan"), float("inf")])
def test_what_is_not_finite_is_refused_at_any_time_and_is_no_spike(norm):
    guard = GradientGuard(10)
    assert not guard.accepts(norm)
    assert guard.skipped == 0
    assert guard.seen == 0
    assert guard.accepts(1.0)
    late = settled(10)
    assert not late.accepts(norm)
    assert late.mean == pytest.approx(0.0)


def test_three_in_a_row_put_the_weights_in_doubt():
    guard = settled()
    for _ in range(2):
        guard.accepts(float("nan"))
    assert not guard.must_go_back
    guard.accepts(1.0)
    for _ in range(2):
        guard.accepts(float("nan"))
    assert not guard.must_go_back
    guard.accepts(float("nan"))
    assert guard.must_go_back


def test_a_gradient_of_zero_is_no_spike_and_no_error():
    guard = settled()
    assert guard.accepts(0.0)
    assert guard.accepts(1.0)


def test_gradients_without_a_slope_are_not_the_runs_own_size():
    """Rounds whose answers all score alike have none; what comes after them is no spike."""
    guard = GradientGuard(240)
    assert all(guard.accepts(norm) for norm in [0.0, 1e-9] * 20 + [1.0] * 30)


def test_a_gradient_without_a_slope_blinds_the_guard_for_nothing():
    guard = settled()
    assert guard.accepts(0.0)
    assert not guard.accepts(1e6)
