"""The simulated people: how often they are right, and how they answer."""

import math
import random

from components.feedback.simulator import ANNOTATORS, Annotator, judge_pairs
from components.feedback.simulator.annotators import pick_annotators

PROMPT = "Review the Luma 5 for gamers and mention the battery."
FAIR = "The battery is good."  # utility 0.5
GOOD = "The battery lasts 18 hours. The camera zooms 5 times."  # utility 2.5
BEST = GOOD + " The battery survives 3 days. The battery is good but the camera is poor."  # utility 4.5
DRAWS = 4000


def test_choices_follow_bradley_terry() -> None:
    rng, annotator = random.Random(1), Annotator("one", reliability=0.75, share=1)
    wins = sum(annotator.margin(rng, PROMPT, GOOD, FAIR) > 0 for _ in range(DRAWS))
    assert abs(wins / DRAWS - 1 / (1 + math.exp(-0.75 * 2))) < 0.02


def test_rankings_of_two_agree_with_comparisons() -> None:
    rng, annotator = random.Random(1), Annotator("one", reliability=0.75, share=1)
    seen = [
        annotator.perceive(rng, PROMPT, GOOD) > annotator.perceive(rng, PROMPT, FAIR) for _ in range(DRAWS)
    ]
    assert abs(sum(seen) / DRAWS - 1 / (1 + math.exp(-0.75 * 2))) < 0.02


def test_a_liking_for_length_shows() -> None:
    rng, liking = random.Random(1), Annotator("one", reliability=1.0, share=1, length_liking=0.5)
    longer = "The battery is good. It suits gamers."  # same utility as FAIR, three words more
    wins = sum(liking.margin(rng, PROMPT, longer, FAIR) > 0 for _ in range(DRAWS))
    assert abs(wins / DRAWS - 1 / (1 + math.exp(-1.5))) < 0.02


def test_the_spammer_takes_the_first() -> None:
    rng, spammer = random.Random(1), ANNOTATORS[-1]
    assert spammer.is_spammer
    assert all(spammer.margin(rng, PROMPT, "", BEST) > 0 for _ in range(50))
    assert spammer.rank(rng, PROMPT, ["", GOOD, BEST]) == [1, 2, 3]


def test_ranks_and_ratings_of_a_sharp_eye() -> None:
    rng, sharp = random.Random(1), Annotator("one", reliability=1000, share=1)
    assert sharp.rank(rng, PROMPT, [FAIR, BEST, GOOD]) == [3, 1, 2]
    assert sharp.rank(rng, PROMPT, [FAIR, BEST, FAIR + " "]) == [2, 1, 2]
    assert sharp.rate(rng, PROMPT, "", 5) == 1
    assert sharp.rate(rng, PROMPT, BEST, 5) == 5  # 1 + 4 * sigmoid((4.5 - 1.5) / 1.2) = 4.70
    assert sharp.likes(rng, PROMPT, GOOD)
    assert not sharp.likes(rng, PROMPT, FAIR)


def test_nobody_is_picked_twice_for_one_pair() -> None:
    names = [annotator.name for annotator in pick_annotators(random.Random(1), len(ANNOTATORS))]
    assert sorted(names) == sorted(annotator.name for annotator in ANNOTATORS)


def test_judging_given_pairs() -> None:
    pairs = [(PROMPT, BEST, f"Zorp {number}.") for number in range(100)]
    rows = judge_pairs(pairs, seed=1)
    assert rows == judge_pairs(pairs, seed=1)
    assert [(row["prompt"], row["response_a"], row["response_b"]) for row in rows] == pairs
    assert sum(row["preferred"] == "a" for row in rows) > 90  # utilities 4.5 and about -6
    assert {row["source"] for row in rows} == {"simulator"}


def test_another_round_of_judging_has_other_ids() -> None:
    first, second = judge_pairs([(PROMPT, GOOD, FAIR)], seed=1), judge_pairs([(PROMPT, GOOD, FAIR)], seed=2)
    assert first[0]["id"] != second[0]["id"]


def test_a_tie_has_no_strength_and_a_choice_has_one() -> None:
    rows = judge_pairs([(PROMPT, FAIR, FAIR + " It suits gamers.")] * 300, seed=1)
    assert {row["strength"] for row in rows if row["preferred"] == "tie"} == {None}
    assert {row["strength"] for row in rows if row["preferred"] != "tie"} == {0.4, 0.7, 1.0}
