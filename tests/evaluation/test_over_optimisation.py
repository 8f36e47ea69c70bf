"""Which of a run's policies becomes the candidate."""

from __future__ import annotations

import math

import pytest

from components.evaluation.best_of_n import kl_of_best, n_for
from components.evaluation.intervals import Bootstrap
from components.evaluation.over_optimisation import Snapshot, select

PROMPTS = 40


def snapshot(iteration: int, judge: float, proxy: float = 0.0, kl: float = 0.0) -> Snapshot:
    """With the same score on every prompt."""
    return Snapshot(iteration, kl, [proxy] * PROMPTS, [judge] * PROMPTS, None)


#: The reward model likes each more than the one before; the judge turns round after the second.
COURSE = [
    snapshot(0, 0.0),
    snapshot(5, 0.5, 1.0, 2.25),
    snapshot(10, 0.8, 2.0, 4.0),
    snapshot(15, 0.2, 3.0, 9.0),
]


def test_the_judge_s_best_is_taken_and_not_the_last() -> None:
    selection = select(COURSE, True, 9.0, Bootstrap(200))
    assert (selection.chosen, selection.best, selection.peak, selection.last) == (10, 10, 10, 15)
    assert selection.peak_beats_chosen.value == 0.5


def test_the_last_is_taken_where_that_is_asked_for_and_the_best_is_told() -> None:
    selection = select(COURSE, False, 9.0, Bootstrap(200))
    assert (selection.chosen, selection.best, selection.peak) == (15, 10, 10)
    figures = selection.figures()
    assert figures["peak_beats_chosen"] == 1.0
    assert figures["peak_beats_chosen_ci"][0] > 0.5
    assert [point["proxy"] for point in figures["course"]] == [0.0, 1.0, 2.0, 3.0]
    assert [point["distance"] for point in figures["course"]] == [0.0, 1.5, 2.0, 3.0]
    assert figures["course"][0]["gold"] is None


def test_beyond_the_budget_the_judge_is_not_asked() -> None:
    within = select(COURSE, True, 3.9, Bootstrap(50))
    assert (within.chosen, within.peak) == (5, 5), "what came later is no fault of the candidate"
    nobody = select(COURSE, True, 1.0, Bootstrap(50))
    assert nobody.chosen == 5, "it moved least"


def test_of_equals_the_earliest_is_taken() -> None:
    selection = select([snapshot(0, 9.0), snapshot(1, 0.5), snapshot(2, 0.5)], True, 9.0, Bootstrap(50))
    assert selection.chosen == 1, "the SFT model is no candidate, however good"
    assert selection.peak == 0, "but it is told"
    assert selection.peak_beats_chosen.value == 1.0


def test_an_estimate_below_zero_is_no_distance() -> None:
    assert snapshot(1, 0.0, kl=-0.2).distance == 0.0


def test_there_must_be_a_policy() -> None:
    with pytest.raises(ValueError, match="no policy"):
        select([snapshot(0, 0.0)], True, 9.0, Bootstrap(50))


def test_best_of_n_moves_by_log_n_less_a_little() -> None:
    assert kl_of_best(1) == 0.0
    assert kl_of_best(2) == pytest.approx(math.log(2) - 0.5)
    assert kl_of_best(16) == pytest.approx(1.8351, abs=1e-4)


@pytest.mark.parametrize(
    ("kl", "n"), [(-0.1, 1), (0.0, 1), (0.1, 2), (0.1932, 3), (1.835, 16), (1.836, 17), (99.0, 64)]
)
def test_n_moves_as_far_as_the_policy(kl: float, n: int) -> None:
    assert n_for(kl, 64) == n
