"""Pairs by how far those who judged them are right elsewhere: a planted annotator who is not, and shapes by hand."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from prepare_rows import PARAMS, enough, frame, pair, prepare, records, row, votes

from components.feedback.frames import frame_of
from components.feedback.pairs import pairs_of
from components.feedback.preferences import without_kinds
from components.feedback.weighing import weigh
from components.records import Opinion, Preference

WEIGHED = PARAMS.model_copy(update={"votes": "reliability"})
#: How often each of four people is right; the last turns the question round.
RIGHT = {"Ann": 0.9, "Bob": 0.9, "Eve": 0.8, "Mal": 0.2}


def judged_by_four(count: int, seed: int) -> list[dict]:
    """Pairs of which "Good." is the better answer, each judged by three of four people, in either order."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        people = chance.sample(sorted(RIGHT), 3)
        turned = chance.random() < 0.5
        labels = [float((chance.random() < RIGHT[name]) != turned) for name in people]
        answers = ("Bad.", "Good.") if turned else ("Good.", "Bad.")
        made.append(row("pairwise", f"Which, {number}?", answers, votes=votes(*labels, by=people)))
    return made


def judged(rows: list[dict]) -> list[Preference]:
    """Each pair as `prepare` makes it with `votes: reliability`."""
    return [_record(found) for found in weigh(pairs_of(frame(rows), 0.4).preferences).iter_rows(named=True)]


def _record(found: dict) -> Preference:
    return Preference(**found | {"opinions": tuple(Opinion(**said) for said in found["opinions"])})


def test_a_planted_liar_is_found_out_and_his_votes_turned() -> None:
    rows = judged_by_four(400, seed=3)
    by_mean = pairs_of(frame(rows), 0.4).preferences
    weighed = judged(rows)
    wrong_by_mean = (by_mean["chosen"] == "Bad.").sum()
    wrong = sum(found.chosen == "Bad." for found in weighed)
    assert wrong_by_mean > 40
    assert wrong < wrong_by_mean / 2
    trust = {said.annotator: said.trust for found in weighed for said in found.opinions}
    assert trust == {name: pytest.approx(right, abs=0.06) for name, right in RIGHT.items()}
    # A probability is what it says: of pairs put at 0.9, about nine in ten are right.
    sure = [found for found in weighed if found.probability > 0.85]
    expected = sum(found.probability for found in sure) / len(sure)
    assert sum(found.chosen == "Good." for found in sure) / len(sure) == pytest.approx(expected, abs=0.05)


def test_what_one_person_said_alone_counts_as_far_as_that_person_is_right() -> None:
    alone = [pair(f"Alone, {name}?", "A", "B", 1) for name in RIGHT]
    for found, name in zip(alone, RIGHT, strict=True):
        found["votes"][0]["annotator"] = name
    found = {said.prompt: said for said in judged([*judged_by_four(400, seed=3), *alone])}
    assert found["Alone, Ann?"].chosen == "A"
    assert found["Alone, Ann?"].probability == pytest.approx(0.9, abs=0.06)
    # Who is wrong four times in five said A: so B it is, and he is quoted on B.
    assert found["Alone, Mal?"].chosen == "B"
    assert found["Alone, Mal?"].probability == pytest.approx(0.8, abs=0.06)
    assert found["Alone, Mal?"].opinions[0].vote == 0.0


def test_strength_draws_a_weighed_probability_to_the_tie() -> None:
    rows = [*judged_by_four(100, seed=3), pair("P", "A", "B", 1), pair("Q", "A", "B", 1, strength=0.5)]
    found = {said.prompt: said for said in judged(rows)}
    assert found["Q"].probability - 0.5 == pytest.approx((found["P"].probability - 0.5) / 2)
    assert (found["P"].margin, found["Q"].margin) == (0.0, 0.5)


def test_a_pair_that_is_turned_leads_the_other_way() -> None:
    """Mal says A, clearly; his word is worth its opposite, but nobody said that B is clearly better."""
    clear = row("pairwise", "P", ("A", "B"), votes=votes(1, by=["Mal"]), strength=1.0)
    found = {said.prompt: said for said in judged([*judged_by_four(400, seed=3), clear])}
    assert (found["P"].chosen, found["P"].margin) == ("B", 0.0)


def test_nameless_votes_are_average_votes() -> None:
    nameless = row("pairwise", "P", ("A", "B"), votes=votes(1, by=[None]))
    found = {said.prompt: said for said in judged([*judged_by_four(200, seed=3), nameless])}
    assert 0.55 < found["P"].probability < 0.8
    assert 0.55 < found["P"].opinions[0].trust < 0.8
    (alone,) = judged([nameless])
    assert alone.opinions[0].trust is None
    assert alone.probability > 0.7


def test_what_is_left_when_kinds_are_taken_out_is_believed_no_more_than_before() -> None:
    """A pair that a person voted on and others rated; without the ratings the vote stands alone."""
    pairwise = Opinion("pairwise", 1.0, annotator="Ann", trust=0.8)
    rated = [Opinion("rating", 0.0, annotator=name, trust=0.9) for name in ("Bob", "Eve")]
    both = Preference(
        "P", "B", "A", 0.95, opinions=(replace(pairwise, vote=0.0), *(o.turned() for o in rated))
    )
    (left,) = without_kinds([both], ["rating"])
    assert (left.chosen, left.probability) == ("A", pytest.approx(0.8))
    assert left.agreement == pytest.approx(0.8)


def test_no_pairs_are_no_pairs() -> None:
    assert weigh(frame_of(Preference, [])).equals(frame_of(Preference, []))


def test_the_parameter_decides() -> None:
    rows = [*enough(), *judged_by_four(100, seed=5)]
    plain, weighed = records(prepare(rows), "preferences"), records(prepare(rows, WEIGHED), "preferences")
    assert [found.prompt for found in plain] == [found.prompt for found in weighed]
    assert all(said.trust is None for found in plain for said in found.opinions)
    assert all(said.trust is not None for found in weighed for said in found.opinions)
    assert {round(found.probability, 6) for found in plain} == {1.0, 0.666667}
    assert all(0.5 <= found.probability < 1 for found in weighed)


def test_order_of_rows_changes_rounding_alone() -> None:
    rows = judged_by_four(60, seed=7)
    forth, back = (
        weigh(pairs_of(frame(found), 0.4).preferences)
        .sort("prompt")
        .select("prompt", "chosen", "probability")
        for found in (rows, rows[::-1])
    )
    assert forth.drop("probability").equals(back.drop("probability"))
    assert (forth["probability"] - back["probability"]).abs().max() == pytest.approx(0, abs=1e-9)
