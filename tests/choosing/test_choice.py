"""Which pairs are chosen, on beliefs written by hand."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from components.choosing.belief import Belief
from components.choosing.choice import choose, draw
from components.objectives.information import expected_information


def belief(mean, *factors):
    return Belief(torch.tensor(mean, dtype=torch.float64), torch.tensor(factors, dtype=torch.float64))


def places(found, count, prompts, share=0.0, seed=1):
    return [pick.place for pick in choose(found, prompts, count, share, seed)]


def test_the_less_is_known_the_sooner():
    found = belief([0.0, 0.0, 0.0], [1.0, 0, 0], [0, 3.0, 0], [0, 0, 2.0])
    assert places(found, 3, ["p", "q", "r"]) == [1, 2, 0]


def test_equally_unsure_the_nearer_to_a_tie_the_sooner():
    found = belief([3.0, -0.5, 1.0], [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0])
    assert places(found, 3, ["p", "q", "r"]) == [1, 2, 0]


def test_a_tie_that_is_known_comes_last():
    found = belief([0.0, 4.0], [0.1, 0], [0, 2.0])
    assert places(found, 2, ["p", "q"]) == [1, 0]


def test_what_says_the_same_again_waits():
    # 0 and 1 are one question of variance 81; after a label, whose noise is 4, 81 * 4 / 85 = 3.8 are left.
    found = belief([0.0, 0.0, 0.0], [9.0, 9.0, 0], [0, 0, 2.5])
    assert places(found, 3, ["p", "q", "r"]) == [0, 2, 1]


def test_a_prompt_gets_its_second_pair_when_all_have_one():
    found = belief([0.0, 0.0, 0.0], [3.0, 0, 0], [0, 2.0, 0], [0, 0, 1.0])
    assert places(found, 3, ["p", "p", "q"]) == [0, 2, 1]
    assert places(found, 9, ["p", "p", "q"]) == [0, 2, 1]


def test_what_is_told_of_a_pick():
    found = belief([1.0, 0.0], [2.0, 0], [0, 1.0])
    first, second = choose(found, ["p", "q"], 2, 0.0, seed=1)
    expected = expected_information(torch.tensor([1.0, 0.0]), torch.tensor([4.0, 1.0])).tolist()
    assert [first.information, second.information] == pytest.approx(expected)
    assert {first.why, second.why} == {"information"}


def test_a_share_at_random_knows_nothing_of_the_belief():
    prompts = [f"p{number // 3}" for number in range(60)]
    sure, unsure = torch.zeros(60), torch.linspace(1, 5, 60)
    drawn = []
    for spread in (sure, unsure):
        picks = choose(Belief(torch.zeros(60), torch.diag(spread.double())), prompts, 10, 0.4, seed=5)
        assert Counter(pick.why for pick in picks) == {"random": 4, "information": 6}
        assert len({pick.place for pick in picks}) == 10
        drawn.append([pick.place for pick in picks if pick.why == "random"])
    assert drawn[0] == drawn[1] == draw(prompts, 4, seed=5)


def test_what_a_pair_at_random_tells_is_what_those_before_it_left():
    # One question three times: variance 81, noise 4, so that 81 * 4 / 85 and then 81 * 4 / 166 are left.
    found = belief([0.0, 0.0, 0.0], [9.0, 9.0, 9.0])
    picks = choose(found, ["p", "q", "r"], 3, 1.0, seed=1)
    left = torch.tensor([81, 81 * 4 / 85, 81 * 4 / 166], dtype=torch.float64)
    expected = expected_information(torch.zeros(3), left).tolist()
    assert [pick.information for pick in picks] == pytest.approx(expected)


def test_a_pair_at_random_counts_for_its_prompt():
    prompts = ["p", "p", "q", "q"]
    [drawn] = draw(prompts, 1, seed=2)
    found = Belief(torch.zeros(4), torch.eye(4, dtype=torch.float64))
    picks = choose(found, prompts, 2, 0.5, seed=2)
    assert [prompts[pick.place] for pick in picks] == [prompts[drawn], "q" if prompts[drawn] == "p" else "p"]


def test_drawing_is_fair_to_prompts_and_to_their_pairs():
    # Of one pair, of two, of three: each prompt is drawn first as often as the others.
    prompts = ["p", "q", "q", "r", "r", "r"]
    first = Counter(draw(prompts, 1, seed)[0] for seed in range(3000))
    by_prompt = Counter({name: sum(first[at] for at in range(6) if prompts[at] == name) for name in "pqr"})
    # Three binomials of 3000 and 1/3: 26 is a standard deviation.
    assert all(abs(count - 1000) < 110 for count in by_prompt.values())
    assert all(abs(first[at] - 333) < 80 for at in (3, 4, 5))
    for seed in range(20):
        drawn = draw(prompts, 6, seed)
        assert sorted(drawn) == list(range(6))
        assert {prompts[at] for at in drawn[:3]} == {"p", "q", "r"}


def test_nothing_to_choose_from():
    assert choose(Belief(torch.zeros(0), torch.zeros(2, 0)), [], 5, 0.2, seed=1) == []
