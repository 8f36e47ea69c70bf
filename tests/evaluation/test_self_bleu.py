"""Self-BLEU: by hand, and the same as sacrebleu's own sentence BLEU against all others."""

from __future__ import annotations

import random
import time
from statistics import fmean

import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st

from components.evaluation.self_bleu import MOST_ANSWERS, self_bleu


def slowly(answers: list[str]) -> float:
    """As Zhu et al. define it, each answer scored by sacrebleu against all others."""
    scores = [
        sacrebleu.sentence_bleu(answer, answers[:place] + answers[place + 1 :]).score / 100
        for place, answer in enumerate(answers)
    ]
    return fmean(scores)


def words(count: int, length: int, variety: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(f"w{draw.randrange(variety)}" for _ in range(length)) for _ in range(count)]


def test_two_answers_by_hand() -> None:
    """3 of 4 words, 2 of 3 pairs, 1 of 2 triples, 0 of 1 fours, smoothed to a half: (1/8) ** (1/4)."""
    assert self_bleu(["a b c d", "a b c e"]) == pytest.approx(0.125**0.25)


def test_the_same_answer_to_everything_is_one() -> None:
    assert self_bleu(["I do not know that, sorry."] * 20) == pytest.approx(1.0)


def test_nothing_in_common_is_zero() -> None:
    assert self_bleu(["a b c d", "e f g h", "i j k l"]) == 0.0


@pytest.mark.parametrize("answers", [[], ["alone in here"], ["", " \n", ""]])
def test_nobody_to_be_like_is_zero(answers: list[str]) -> None:
    assert self_bleu(answers) == 0.0


ANSWERS = st.lists(st.text("ab, .\n", max_size=14), min_size=2, max_size=8)


@given(ANSWERS)
def test_it_is_sacrebleus_against_all_others(answers: list[str]) -> None:
    assert self_bleu(answers) == pytest.approx(slowly(answers), abs=1e-9)


def test_it_is_sacrebleus_of_longer_answers() -> None:
    answers = words(30, 40, 25, seed=1) + words(5, 12, 25, seed=2)
    assert self_bleu(answers) == pytest.approx(slowly(answers), abs=1e-9)


def test_less_variety_is_more_alike() -> None:
    assert self_bleu(words(50, 30, 10, seed=3)) > self_bleu(words(50, 30, 500, seed=3)) + 0.3


def test_of_a_large_set_a_seeded_subset_is_taken() -> None:
    answers = words(MOST_ANSWERS + 100, 12, 40, seed=4)
    assert self_bleu(answers) == self_bleu(answers)
    assert self_bleu(answers) != self_bleu(answers, seed=8)
    assert self_bleu(answers) == self_bleu(random.Random(7).sample(answers, MOST_ANSWERS))


def test_two_hundred_answers_take_less_than_two_seconds() -> None:
    answers = words(200, 150, 2000, seed=5)
    began = time.process_time()
    self_bleu(answers)
    assert time.process_time() - began < 2.0
