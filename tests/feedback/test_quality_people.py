"""Spammers, dominant annotators and biases: planted ones are found, and honest people are left alone."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from quality_rows import assessed, codes, pair, votes

from components.feedback.quality.biases import length_findings
from components.feedback.quality.dominance import dominance_findings

PEOPLE = [f"p{number}" for number in range(8)]


def crowd(count: int, accuracy: float = 0.85, seed: int = 0, **columns) -> list[dict]:
    """Pairs whose first answer is the better one in half of the cases, each judged by one of eight people."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        truth = rng.random() < 0.5
        label = truth if rng.random() < accuracy else not truth
        rows.append(pair(number, (PEOPLE[number % 8], float(label)), **columns))
    return rows


def golden(right: int, wrong: int, name: str = "x") -> list[dict]:
    golds = [
        pair(1000 + n, (name, float(n % 2)), gold=float(n % 2 if n < right else 1 - n % 2))
        for n in range(right + wrong)
    ]
    return golds + crowd(400)


def test_gold_questions():
    assert codes(assessed(golden(11, 9))) == ["SPAM"]
    assert codes(assessed(golden(12, 8))) == []
    # Nineteen questions are too few.
    assert codes(assessed(golden(0, 19))) == []
    assert codes(assessed(golden(0, 19), gold_items=19)) == ["SPAM"]
    assert codes(assessed(golden(12, 8), gold_accuracy=0.7)) == ["SPAM"]
    (found,) = assessed(golden(11, 9)).findings
    assert found.message == "'x' answers like a spammer: right on 55.0% of 20 gold questions"
    assert found.figures["annotator"] == "x"


def test_always_the_first():
    left = [pair(1000 + n, ("x", 1.0)) for n in range(30)]
    assert codes(assessed(crowd(400) + left)) == ["SPAM"]
    assert codes(assessed(crowd(400) + left[:10])) == []
    message = assessed(crowd(400) + left).findings[0].message
    assert 'said "first" on 100.0% of 30 pairs' in message


@pytest.mark.parametrize("label", [0.0, 0.5])
def test_always_the_second_or_always_a_tie(label):
    assert codes(assessed(crowd(400) + [pair(1000 + n, ("x", label)) for n in range(30)])) == ["SPAM"]


def test_a_file_of_chosen_and_rejected_has_no_order():
    rows = [pair(n, (PEOPLE[n % 8], 1.0)) for n in range(400)]
    quality = assessed(rows)
    assert codes(quality) == []
    assert quality.figures["position"] == {
        "order_known": False,
        "votes": 0,
        "first": None,
        "first_ci": [None, None],
        "by_annotator": [],
    }


def test_where_everybody_prefers_the_first_nobody_is_a_spammer_for_it():
    # The better model was always shown first: 93 % of all votes are for it.
    rng = random.Random(1)
    rows = [pair(n, (PEOPLE[n % 8], float(rng.random() < 0.93))) for n in range(800)]
    assert codes(assessed(rows)) == []


def test_quick_answers():
    def timed(seconds: float, count: int) -> list[dict]:
        return [pair(1000 + n, ("x", float(n % 2)), seconds=seconds) for n in range(count)]

    slow = crowd(400, seconds=20.0)
    assert codes(assessed(slow + timed(2.9, 20))) == ["SPAM"]
    assert codes(assessed(slow + timed(3.0, 20))) == []
    assert codes(assessed(slow + timed(0.5, 19))) == []
    assert codes(assessed(slow + timed(4.0, 20), seconds=5.0)) == ["SPAM"]


def test_who_is_no_better_than_a_coin_against_all_others_is_a_spammer():
    rng = random.Random(2)

    def judged(accuracy: dict[str, float]) -> list[dict]:
        rows = []
        for number in range(500):
            truth = rng.random() < 0.5
            given = [(name, float(truth == (rng.random() < share))) for name, share in accuracy.items()]
            rows.append(pair(number, *given))
        return rows

    honest = {"a": 0.85, "b": 0.85, "c": 0.8, "d": 0.75}
    assert codes(assessed(judged(honest))) == []
    (found,) = assessed(judged({**honest, "x": 0.5})).findings
    assert (str(found.code), found.figures["annotator"]) == ("SPAM", "x")
    assert found.figures["accuracy"] == pytest.approx(0.5, abs=0.06)


def shares(*counts: int) -> list[dict]:
    names = [name for name, count in zip("abcdefgh", counts, strict=False) for _ in range(count)]
    return [pair(n, (name, float(n % 2))) for n, name in enumerate(names)]


def test_dominance():
    """Wilson's lower bound by hand: of 39 in 100 it is 30.02 %, of 38 it is 29.1 %."""
    # Five people and more: 30 % and more beyond chance.
    assert codes(assessed(shares(39, 20, 20, 20, 1))) == ["DOMINANT"]
    assert codes(assessed(shares(38, 20, 20, 20, 2))) == []
    assert codes(assessed(shares(39, 20, 20, 20, 1), dominance=0.4)) == []
    # Three who share equally have 33 % each; beyond one half, one of them dominates.
    assert codes(assessed(shares(34, 33, 33))) == []
    assert codes(assessed(shares(59, 30, 11))) == []
    assert codes(assessed(shares(60, 30, 10))) == ["DOMINANT"]
    # Two: beyond three quarters.
    assert codes(assessed(shares(83, 17))) == []
    assert codes(assessed(shares(84, 16))) == ["DOMINANT"]
    # One alone, from twenty judgements.
    assert codes(assessed(shares(19))) == []
    assert codes(assessed(shares(20))) == ["DOMINANT"]
    (found,) = assessed(shares(39, 20, 20, 20, 1)).findings
    assert found.message == (
        "'a' gave 39 of 100 judgements (39.0%, and 30.0% or more beyond what chance does), "
        "more than 30%; 5 annotators are named"
    )
    assert found.figures == {
        "annotator": "a", "judgements": 39, "share": 0.39, "people": 5, "share_at_least": 0.3002
    }  # fmt: skip


def test_a_third_of_a_large_batch_is_much_and_of_a_small_one_chance():
    # 10 of 30 is 19.2 % at least, 333 of 1,000 is 30.5 %.
    assert codes(assessed(shares(10, 8, 6, 4, 2))) == []
    assert codes(assessed(shares(333, 250, 200, 150, 67))) == ["DOMINANT"]
    # Half of a small one is much, too.
    assert codes(assessed(shares(15, 6, 5, 3, 1))) == ["DOMINANT"]


@pytest.mark.parametrize("count", [20, 30, 50])
def test_of_many_small_honest_batches_hardly_any_is_held(count):
    """Five people, each as busy as the others: the busiest of them has more than 30 % in many such batches."""
    rng = random.Random(count)
    busiest = [max(Counter(rng.choices("abcde", k=count)).values()) for _ in range(2000)]
    held = [most for most in busiest if dominance_findings(figures_of(most, count, people=5), 0.3)]
    assert sum(most > 0.3 * count for most in busiest) > 0.15 * len(busiest)
    assert len(held) <= 0.01 * len(busiest)


def figures_of(most: int, count: int, people: int) -> dict:
    busiest = {"annotator": "a", "judgements": most, "share": most / count}
    return {"judgements": count, "nameless": 0, "people": people, "annotators": [busiest]}


def test_three_people_who_all_judge_every_pair_dominate_nothing():
    rows = [pair(n, ("a", float(n % 2)), ("b", float(n % 2)), ("c", float(n % 2))) for n in range(100)]
    assert codes(assessed(rows)) == []


def test_the_nameless_are_nobody():
    quality = assessed([pair(n, (None, float(n % 2))) for n in range(100)])
    assert codes(quality) == []
    assert quality.figures["dominance"] == {"judgements": 100, "nameless": 100, "people": 0, "annotators": []}
    assert quality.figures["annotators"] == []


def test_rows_that_nobody_votes_on_count_for_who_wrote_them():
    rows = [
        {"kind": "demonstration", "prompt": f"Q{n}", "responses": [f"A{n}"], "votes": [], "annotator": "w"}
        for n in range(30)
    ]
    assert codes(assessed(rows)) == ["DOMINANT"]


def lengths(longer: int, shorter: int, name: str | None = None) -> list[dict]:
    """So many votes for the longer answer and so many for the shorter; every second pair shows the longer one first."""
    rows = []
    for number in range(longer + shorter):
        answers = [f"short {number}", f"much, much longer {number}"]
        label = float((number < longer) == (number % 2 == 0))
        first, second = reversed(answers) if number % 2 == 0 else answers
        rows.append(pair(number, (name or PEOPLE[number % 8], label), first=first, second=second))
    return rows


def test_length_bias_of_a_batch():
    # 82 or more of 100 have a chance of 0.45 % where 70 % are for the longer answer, 81 or more one of 0.89 %.
    quality = assessed(lengths(82, 18))
    assert codes(quality) == ["LENGTH_BIAS"]
    assert quality.findings[0].action == "tag"
    assert quality.holds == []
    assert quality.figures["length"]["longer"] == 0.82
    assert codes(assessed(lengths(81, 19))) == []


def test_the_fewer_the_votes_the_longer_answer_wins_the_more_of_them_must_be():
    assert codes(assessed(lengths(738, 262))) == ["LENGTH_BIAS"]
    assert codes(assessed(lengths(737, 263))) == []
    assert codes(assessed(lengths(28, 2))) == ["LENGTH_BIAS"]
    assert codes(assessed(lengths(27, 3))) == []
    assert codes(assessed(lengths(20, 0))) == ["LENGTH_BIAS"]
    assert codes(assessed(lengths(19, 0))) == []


def test_several_votes_on_one_pair_are_not_as_many_independent_ones():
    ten_thrice = [*lengths(10, 0)] * 3
    quality = assessed(ten_thrice)
    assert (quality.figures["length"]["votes"], quality.figures["length"]["independent"]) == (30, 10.0)
    # Ten of ten have a chance of 0.7 ** 10 = 2.8 %.
    assert codes(quality) == []
    # Twenty pairs with one vote, ten with two: 40 ** 2 / (20 * 1 + 10 * 4).
    mixed = assessed(lengths(30, 0) + lengths(10, 0))
    assert mixed.figures["length"]["independent"] == 26.7
    assert "LENGTH_BIAS" in codes(mixed)


@pytest.mark.parametrize(("second", "independent"), [("the same", 20.0), ("the other", 40.0)])
def test_people_who_share_a_pair_count_as_one_only_if_they_agree(second, independent):
    """Twenty pairs, two votes on each, half of all for the longer answer; by hand d = 40 / 19 > 2, and d = 0 < 1."""
    first = lengths(10, 10)
    others = [row | {"votes": votes(("q", row["votes"][0]["label"]))} for row in first]
    if second == "the other":
        others = [row | {"votes": votes(("q", 1 - row["votes"][0]["label"]))} for row in first]
    assert assessed(first + others).figures["length"]["independent"] == independent


def test_of_many_batches_by_people_at_the_limit_hardly_any_is_tagged():
    """Five people, 30 votes each, who take the longer answer 70 % of the time: half of the batches go beyond that."""
    rng = random.Random(0)
    batches = [[sum(rng.random() < 0.7 for _ in range(30)) for _ in range(5)] for _ in range(2000)]
    tagged = [hits for hits in batches if length_findings(length_of(hits, 30))]
    assert sum(sum(hits) > 0.7 * 150 for hits in batches) > 0.4 * len(batches)
    assert len(tagged) <= 0.01 * len(batches)


def length_of(hits: list[int], votes: int) -> dict:
    """The figures of people with so many votes each, of which so many are for the longer answer."""
    people = [{"votes": votes, "longer": hit / votes, "annotator": "a"} for hit in hits]
    count = votes * len(hits)
    return {"votes": count, "independent": count, "longer": sum(hits) / count, "by_annotator": people}


def test_length_bias_of_one_annotator():
    lover = lengths(60, 0, "x")
    (found,) = assessed(lover + lengths(250, 250)).findings
    assert (str(found.code), found.figures["annotator"], found.figures["longer"]) == ("LENGTH_BIAS", "x", 1.0)


def test_position_bias_by_hand():
    rows = (
        [pair(n, ("a", 1.0)) for n in range(6)]
        + [pair(10 + n, ("a", 0.0)) for n in range(4)]
        + [pair(20, ("b", 0.5))]
    )
    figures = assessed(rows).figures["position"]
    assert (figures["order_known"], figures["votes"], figures["first"]) == (True, 10, 0.6)
    assert figures["by_annotator"] == [
        {"annotator": "a", "votes": 10, "first": 0.6, "first_ci": figures["first_ci"]}
    ]
