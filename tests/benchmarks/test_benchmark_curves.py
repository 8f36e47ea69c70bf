"""Reward against seconds."""

import pytest

from benchmarks.curves import curve_of, render, seconds_to


def _laps(scores, seconds):
    return [{"seconds": seconds, "figures": {"score": score}} for score in scores]


def test_a_curve_adds_up_seconds_and_smooths_scores():
    curve = curve_of(_laps([0.0, 1.0, 2.0, 3.0, 4.0, 10.0], seconds=2.0))
    assert [spent for spent, _ in curve] == [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]
    # means of the last five: of 0; 0 1; ...; 1 2 3 4 10
    assert [score for _, score in curve] == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0, 4.0])


def test_seconds_to_a_score():
    curve = [(1.0, 0.2), (2.0, 0.7), (3.0, 0.4)]
    assert seconds_to(curve, 0.5) == 2.0
    assert seconds_to(curve, 0.9) is None


def test_curves_are_compared_at_what_all_reach():
    table = render({"slow": [(5.0, 0.0), (10.0, 1.0)], "fast": [(1.0, 1.5), (2.0, 2.0)]}).splitlines()
    assert table[1].endswith("reached 1.00 after 10.0 s")
    assert table[2].endswith("reached 1.00 after 1.0 s")
