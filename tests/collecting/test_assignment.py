"""Who gets which pair."""

from __future__ import annotations

import statistics
from collections import Counter

from collecting.collect_case import add, link, pairs, store_of

from components.collecting import assignment
from components.collecting.assignment import Plan, next_pair
from components.collecting.judging import Answer, record
from components.collecting.tokens import Form

NO_GOLD = Plan(seed=7, votes=2, gold_share=0.0)


def people(root, count):
    for number in range(count):
        link(root, f"person-{number}")
    return list(range(1, count + 1))


def say(store, person, pair, choice="left"):
    return record(store, person, Form(pair.number, 0), Answer(choice))


def all_of(store, person, plan):
    found = []
    while (pair := next_pair(store, person, plan)) is not None:
        found.append(pair)
        say(store, person, pair)
    return found


def test_the_fewest_judgements_first_and_no_more_than_are_wanted(root):
    add(root, pairs(4))
    store, (ann, bob, eve) = store_of(root), people(root, 3)
    first = [say(store, ann, next_pair(store, ann, NO_GOLD)) for _ in range(2)]
    assert [str(outcome) for outcome in first] == ["stored", "stored"]
    # Bob begins with those that nobody has judged.
    assert [pair.id for pair in all_of(store, bob, NO_GOLD)] == ["pair-2", "pair-3", "pair-0", "pair-1"]
    assert [pair.id for pair in all_of(store, eve, NO_GOLD)] == ["pair-2", "pair-3"]
    assert next_pair(store, ann, NO_GOLD) is None


def test_a_pair_at_work_counts_and_asked_again_is_the_same(root):
    add(root, pairs(2))
    store, (ann, bob, eve) = store_of(root), people(root, 3)
    plan = Plan(seed=7, votes=1, gold_share=0.0)
    first = next_pair(store, ann, plan)
    assert next_pair(store, ann, plan) == first
    assert next_pair(store, bob, plan).id != first.id
    assert next_pair(store, eve, plan) is None


def test_who_is_away_keeps_no_pair_from_others(root, monkeypatch):
    add(root, pairs(1))
    store, (ann, bob) = store_of(root), people(root, 2)
    plan = Plan(seed=7, votes=1, gold_share=0.0)
    kept = next_pair(store, ann, plan)
    assert next_pair(store, bob, plan) is None
    monkeypatch.setattr(assignment, "LAPSES_S", -1.0)
    assert next_pair(store, bob, plan).id == kept.id
    # Who comes back still answers it; what they say counts.
    assert next_pair(store, ann, plan) == kept
    say(store, ann, kept)
    assert store.reading().execute("SELECT taken FROM tasks").fetchone()[0] == 2


def test_a_skipped_pair_goes_to_somebody_else(root):
    add(root, pairs(1))
    store, (ann, bob) = store_of(root), people(root, 2)
    plan = Plan(seed=7, votes=1, gold_share=0.0)
    say(store, ann, next_pair(store, ann, plan), "skip")
    assert next_pair(store, ann, plan) is None
    assert next_pair(store, bob, plan).id == "pair-0"


def test_gold_questions_come_at_their_share_and_never_alone(root):
    add(root, pairs(120, gold=40))
    store, everybody = store_of(root), people(root, 3)
    plan = Plan(seed=7, votes=9, gold_share=0.2)
    golden = {f"pair-{number}" for number in range(80, 120)}
    shares, orders = [], []
    for person in everybody:
        ids = [pair.id for pair in all_of(store, person, plan)]
        assert max(Counter(ids).values()) == 1
        assert ids[-1] not in golden
        shares.append(len(golden & set(ids)) / len(ids))
        orders.append([one for one in ids if one in golden])
    # 100 draws each: three standard deviations of a share of 0.2 are 0.12.
    assert all(abs(share - 0.2) < 0.12 for share in shares)
    assert len({tuple(order[:3]) for order in orders}) == 3


def test_sides_are_drawn_for_each_person_and_pair_and_the_seed_repeats_them(root, tmp_path):
    add(root, pairs(60))
    store, everybody = store_of(root), people(root, 3)
    plan = Plan(seed=7, votes=9, gold_share=0.0)
    sides = [[pair.swapped for pair in all_of(store, person, plan)] for person in everybody]
    assert all(0.3 < statistics.mean(side) < 0.7 for side in sides)
    assert sides[0] != sides[1] != sides[2]
    drawn = [assignment._draw(7, "order", 1, task) < 0.5 for task in range(1, 61)]
    assert sides[0] == [int(side) for side in drawn]
    assert drawn != [assignment._draw(8, "order", 1, task) < 0.5 for task in range(1, 61)]
