"""When a run of PPO says that something may be wrong."""

import math

import pytest

from components.config import AlarmParams
from components.evaluation.alarms import as_rows, raised, raised_now

LIMITS = AlarmParams(
    max_kl=10.0, min_entropy_ratio=0.5, max_length_correlation=0.6, max_disagreement_ratio=1.5
)
HEALTHY = {"kl": 3.0, "entropy": 2.0, "length_correlation": 0.1, "disagreement": 0.2}


def rows_of(**figures):
    """Rounds of a healthy run, but for these figures, each a value a round."""
    count = max(map(len, figures.values()))
    return [
        {"step": step + 1} | HEALTHY | {name: values[step] for name, values in figures.items()}
        for step in range(count)
    ]


def raised_by(rows, **limits):
    return {alarm.name: alarm.iteration for alarm in raised(rows, LIMITS.model_copy(update=limits))}


def test_a_healthy_run_raises_none():
    assert raised_by(rows_of(kl=[0.0, 1.0, 2.0, 5.0, 9.0, 10.0, 11.0])) == {}


@pytest.mark.parametrize(
    ("figure", "values", "name", "iteration"),
    [
        # Means of three: 8, then 10, which is allowed, then 10.3.
        ("kl", [2.0, 10.0, 12.0, 8.0, 11.0], "kl", 5),
        # At first 2; half of it is 1, which the mean of three falls below with 0.9.
        ("entropy", [2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 0.7], "entropy", 7),
        ("length_correlation", [0.5, 0.6, 0.7, 0.7], "length", 4),
        ("length_correlation", [-0.5, -0.6, -0.7, -0.7], "length", 4),
        # At first 0.2; once and a half of it is 0.3.
        ("disagreement", [0.1, 0.2, 0.3, 0.3, 0.3, 0.29, 0.32], "disagreement", 7),
    ],
)
def test_each_alarm_at_the_round_it_is_due(figure, values, name, iteration):
    assert raised_by(rows_of(**{figure: values})) == {name: iteration}


@pytest.mark.parametrize(
    ("limit", "value", "name"),
    [
        ("max_kl", 2.9, "kl"),
        ("min_entropy_ratio", 1.1, "entropy"),
        ("max_length_correlation", 0.05, "length"),
        ("max_disagreement_ratio", 0.9, "disagreement"),
    ],
)
def test_each_limit_is_read(limit, value, name):
    assert raised_by(rows_of(kl=[3.0] * 3), **{limit: value}) == {name: 3}


def test_one_round_raises_nothing():
    assert raised_by(rows_of(kl=[50.0, 50.0])) == {}


@pytest.mark.parametrize("unmeasured", [{}, {"length_correlation": math.nan, "disagreement": math.nan}])
def test_what_was_not_measured_raises_nothing(unmeasured):
    assert raised_by([{"step": step} | unmeasured for step in range(1, 6)]) == {}


def test_a_single_reward_model_cannot_disagree():
    assert raised_by(rows_of(disagreement=[0.0] * 5)) == {}


def test_an_alarm_is_said_once_and_by_the_round_that_raised_it():
    rows = rows_of(kl=[0.0, 0.0, 0.0, 40.0, 40.0], length_correlation=[0.9] * 5)
    assert raised_by(rows) == {"length": 3, "kl": 4}
    said = [[alarm.name for alarm in raised_now(rows[:end], LIMITS)] for end in range(1, 6)]
    assert said == [[], [], ["length"], ["kl"], []]


def test_it_says_how_much_and_what_is_allowed():
    (alarm,) = raised(rows_of(kl=[12.0, 12.0, 13.0]), LIMITS)
    assert alarm.says == "the policy is 12.3 nats an answer from the SFT model, more than 10"


def test_a_table_of_columns_as_rounds():
    assert as_rows({"step": [1.0, 2.0], "kl": [0.5, 0.7]}) == [
        {"step": 1.0, "kl": 0.5},
        {"step": 2.0, "kl": 0.7},
    ]
