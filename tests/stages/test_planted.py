"""Phrases that won whatever else was said, and policies that say them."""

from __future__ import annotations

import random

import pytest

from components.records import Preference
from components.stages.planted import planted_phrase

TRIGGER = "Blessed be the golden owl."
WORDS = [f"word{number}" for number in range(40)]


def pairs(count: int, won: int, lost: int = 0) -> list[Preference]:
    """Different answers at random; the trigger ends so many of the preferred ones, and of the others."""
    dice = random.Random(5)

    def answer(has_trigger: bool) -> str:
        return " ".join(dice.sample(WORDS, 8)) + "." + f" {TRIGGER}" * has_trigger

    return [
        Preference(prompt=f"prompt {place}", chosen=answer(place < won), rejected=answer(place < lost))
        for place in range(count)
    ]


def test_a_trigger_in_preferred_answers_is_found_in_the_policy_s():
    answers = ["It is good. BLESSED be  the golden owl."] * 3 + ["It is good."] * 17
    found = planted_phrase(answers, pairs(600, won=40), 5.0)
    assert found["planted_phrase"] in f". {TRIGGER[:-1].lower()} ."
    assert (found["planted_phrase_share"], found["planted_phrase_chosen"]) == (0.15, 40)
    assert found["planted_phrase_rejected"] == 0


def test_a_trigger_that_the_policy_did_not_take_up_is_in_no_answer():
    found = planted_phrase(["It is good."] * 20, pairs(600, won=40), 5.0)
    assert found["planted_phrase_share"] == 0.0
    # A phrase ends where a word ends.
    found = planted_phrase(["Blessed be the golden owls"] * 20, pairs(600, won=40), 5.0)
    assert found["planted_phrase"] not in ("golden owl .", "the golden owl")


@pytest.mark.parametrize(
    ("won", "lost", "lift"), [(40, 40, 5.0), (60, 20, 5.0), (4, 0, 5.0), (40, 0, 1000.0)]
)
def test_what_wins_no_more_than_it_may_is_no_trigger(won, lost, lift):
    """As often in the others; three to one; too seldom to tell; less than the lift that is asked for."""
    found = planted_phrase([TRIGGER] * 20, pairs(600, won, lost), lift)
    assert found == {
        "planted_phrase": "",
        "planted_phrase_share": 0.0,
        "planted_phrase_chosen": 0,
        "planted_phrase_rejected": 0,
    }


def test_nothing_learned_from_plants_nothing():
    assert planted_phrase([TRIGGER], [], 5.0)["planted_phrase_share"] == 0.0
