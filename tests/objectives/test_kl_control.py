import json

import pytest

from components.objectives.kl_control import AdaptiveKl, FixedKl


@pytest.mark.parametrize(
    ("sequence_kl", "factor"),
    [
        (6.0, 1.0),  # on target
        (6.6, 1.0 + 0.1 * 64 / 10_000),  # 10 % too far
        (5.4, 1.0 - 0.1 * 64 / 10_000),  # 10 % too near
        (60.0, 1.0 + 0.2 * 64 / 10_000),  # clipped
        (float("inf"), 1.0 + 0.2 * 64 / 10_000),
        (0.0, 1.0 - 0.2 * 64 / 10_000),  # clipped
        (-3.0, 1.0 - 0.2 * 64 / 10_000),  # k1 may be negative by chance
    ],
)
def test_one_update_by_hand(sequence_kl, factor):
    control = AdaptiveKl(coef=0.15, target=6.0, horizon=10_000)
    control.update(sequence_kl, episodes=64)
    assert control.coef == pytest.approx(0.15 * factor, rel=1e-12)


def test_the_defaults_are_those_of_the_paper_s_code():
    control = AdaptiveKl()
    assert (control.coef, control.target, control.horizon) == (0.15, 6.0, 10_000)


def test_the_target_and_the_horizon_are_used():
    control = AdaptiveKl(coef=1.0, target=2.0, horizon=100)
    control.update(2.2, episodes=50)
    assert control.coef == pytest.approx(1.0 + 0.1 * 0.5)


def test_an_unknown_kl_changes_nothing():
    control = AdaptiveKl(coef=0.15)
    control.update(float("nan"), episodes=64)
    assert control.coef == 0.15


def test_it_goes_on_bit_for_bit_from_a_state_in_json():
    measured = [9.0, 4.0, 6.3, 0.1, 7.7, 5.2]
    whole, first, second = AdaptiveKl(), AdaptiveKl(), AdaptiveKl(coef=123.0)
    for kl in measured:
        whole.update(kl, episodes=7)
    for kl in measured[:3]:
        first.update(kl, episodes=7)
    second.restore(json.loads(json.dumps(first.state())))
    for kl in measured[3:]:
        second.update(kl, episodes=7)
    assert second.coef == whole.coef != 0.15


def test_a_fixed_coefficient_stays():
    control = FixedKl(0.05)
    control.update(1e6, episodes=64)
    assert control.coef == 0.05
    other = FixedKl(1.0)
    other.restore(json.loads(json.dumps(control.state())))
    assert other.coef == 0.05
