"""One row for each person and pair, whatever is sent how often; and what people are told of themselves."""

from __future__ import annotations

import time

import pytest
from collecting.collect_case import add, judgements, link, pairs, store_of

from components.collecting import judging
from components.collecting.assignment import Plan, next_pair
from components.collecting.export import begin_export, finish_export
from components.collecting.judging import Answer, Outcome, last_judgement, record
from components.collecting.progress import agreement_with_others, progress_of, status_of
from components.collecting.tokens import Form

PLAN = Plan(seed=7, votes=3, gold_share=0.0)


@pytest.fixture
def served(root):
    """A store, and the pair that ann has before her."""
    add(root, pairs(8))
    link(root, "ann")
    store = store_of(root)
    return store, next_pair(store, 1, PLAN)


def test_a_double_click_stores_once_and_another_answer_on_the_same_page_is_stale(root, served):
    store, pair = served
    form = Form(pair.number, 0)
    assert record(store, 1, form, Answer("left")) == Outcome.stored
    assert record(store, 1, form, Answer("left")) == Outcome.again
    assert record(store, 1, form, Answer("right")) == Outcome.stale
    assert [row["revision"] for row in judgements(root)] == [1]


def test_changed_once_for_each_page_that_showed_it(root, served):
    store, pair = served
    record(store, 1, Form(pair.number, 0), Answer("left", "slightly", 5, 2, "better", "why"))
    last = last_judgement(store, 1)
    assert (last.pair, last.revision) == (pair, 1)
    assert last.answer == Answer("left", "slightly", 5, 2, "better", "why")
    assert record(store, 1, Form(pair.number, 1), Answer("tie")) == Outcome.stored
    assert record(store, 1, Form(pair.number, 1), Answer("tie")) == Outcome.again
    # The page before the change, sent again.
    assert (
        record(store, 1, Form(pair.number, 0), Answer("left", "slightly", 5, 2, "better", "why")) == "stale"
    )
    (row,) = judgements(root)
    assert (row["verdict"], row["strength"], row["edited"], row["revision"]) == ("tie", None, None, 2)


def test_what_was_exported_is_final(root, served):
    store, pair = served
    record(store, 1, Form(pair.number, 0), Answer("left"))
    finish_export(store, begin_export(store))
    assert last_judgement(store, 1) is None
    assert record(store, 1, Form(pair.number, 1), Answer("right")) == Outcome.final


def test_only_the_latest_can_be_changed_however_long_a_page_stays_open(root, served):
    store, pair = served
    record(store, 1, Form(pair.number, 0), Answer("left"))
    second = next_pair(store, 1, PLAN)
    record(store, 1, Form(second.number, 0), Answer("left"))
    assert record(store, 1, Form(pair.number, 1), Answer("right")) == Outcome.past
    # What was stored already is still acknowledged.
    assert record(store, 1, Form(pair.number, 0), Answer("left")) == Outcome.again
    assert record(store, 1, Form(second.number, 1), Answer("tie")) == Outcome.stored
    assert [row["revision"] for row in judgements(root)] == [1, 2]


def test_a_pair_that_was_never_shown_cannot_be_judged(root, served):
    store, pair = served
    assert record(store, 1, Form(pair.number + 1, 0), Answer("left")) == Outcome.unknown
    assert record(store, 2, Form(pair.number, 0), Answer("left")) == Outcome.unknown
    assert judgements(root) == []


@pytest.mark.parametrize("swapped", [0, 1])
def test_sides_become_the_answers_that_stood_there(swapped):
    answer = Answer("left", "slightly", 5, 1)
    found = judging.verdict_of(answer, swapped)
    first, second = ("b", "a") if swapped else ("a", "b")
    assert (found["verdict"], found["strength"]) == (first, 0.5)
    assert (found[f"stars_{first}"], found[f"stars_{second}"]) == (5, 1)


def test_the_time_is_the_server_s_and_bounded(root, served, monkeypatch):
    store, pair = served
    now = time.time()
    monkeypatch.setattr(judging.time, "time", lambda: now + 12.5)
    record(store, 1, Form(pair.number, 0), Answer("left"))
    second = next_pair(store, 1, PLAN)
    monkeypatch.setattr(judging.time, "time", lambda: now + 1e6)
    record(store, 1, Form(second.number, 0), Answer("left"))
    third = next_pair(store, 1, PLAN)
    monkeypatch.setattr(judging.time, "time", lambda: now - 1e6)
    record(store, 1, Form(third.number, 0), Answer("left"))
    seconds = [row["seconds"] for row in judgements(root)]
    assert 12 < seconds[0] < 14
    assert seconds[1:] == [1800.0, 0.0]


def judge_all(store, person, verdicts):
    for verdict in verdicts:
        pair = next_pair(store, person, PLAN)
        sides = {"a": "right", "b": "left"} if pair.swapped else {"a": "left", "b": "right"}
        record(store, person, Form(pair.number, 0), Answer(sides.get(verdict, verdict)))


def test_agreement_is_told_late_and_never_of_what_can_still_be_changed(root):
    add(root, pairs(8))
    for name in ("ann", "bob", "eve"):
        link(root, name)
    store = store_of(root)
    judge_all(store, 1, ["a", "b", "a", "tie", "a", "a", "skip", "a"])
    assert agreement_with_others(store, 1) == (0, None)
    assert progress_of(store, 1).judged == 7
    # In the order in which they are dealt: first the pair that ann skipped.
    judge_all(store, 2, ["a", "a", "b", "b", "bad", "b"])
    shared, agreement = agreement_with_others(store, 2)
    # Of pairs 0 to 4, in bob's eyes; his last one, on pair 4, does not count yet.
    assert (shared, agreement) == (4, None)
    judge_all(store, 2, ["a"])
    # a a, b b, a against b, tie and both bad, a against b
    assert agreement_with_others(store, 2) == (5, pytest.approx(3 / 5))


def test_the_status_counts_what_is_complete_and_who_knew_the_gold(root):
    add(root, pairs(3, gold=1))
    for name in ("ann", "bob", "eve"):
        link(root, name)
    store = store_of(root)
    plan = Plan(seed=7, votes=2, gold_share=0.5)
    for person in (1, 2, 3):
        while (pair := next_pair(store, person, plan)) is not None:
            record(store, person, Form(pair.number, 0), Answer("right" if pair.swapped else "left"))
    status = status_of(store, 2)
    assert (status["pairs"], status["gold_questions"], status["complete_pairs"]) == (2, 1, 2)
    assert status["judgements"] == status["to_export"] == sum(p["judged"] for p in status["annotators"])
    asked = [person["gold_asked"] for person in status["annotators"]]
    assert [person["gold_right"] or 0 for person in status["annotators"]] == asked
