"""Nobody is told which pairs are gold questions, neither before nor after they answer them."""

from __future__ import annotations

import re
from itertools import pairwise

from collecting.collect_case import Near, add, judgements, link, pairs, store_of

from components.collecting.assignment import Plan

PLAN = Plan(seed=7, votes=3, gold_share=0.5)


def test_a_page_from_before_the_next_pair_changes_nothing(root):
    add(root, pairs(5))
    person = Near(root, link(root, "ann"))
    person.judge("left")
    following = person.page
    old = person.client.get("/back").text
    person.page = following
    person.judge("left")
    person.page = old
    response = person.judge("right")
    assert (response.status_code, "judged another pair since" in response.text) == (409, True)
    assert [row["revision"] for row in judgements(root)] == [1, 1]


def golden(root):
    """Whether each judgement, in the order in which they were made, was on a gold question."""
    rows = store_of(root).reading().execute("SELECT number, gold FROM tasks").fetchall()
    gold = {row["number"]: row["gold"] is not None for row in rows}
    return [gold[row["task"]] for row in judgements(root)]


def figures(page):
    """Every number that the head of a page tells."""
    head = page.partition('<div class="state">')[2].partition("</div>")[0]
    return [int(number) for number in re.findall("[0-9]+", re.sub("<[^>]*>", "", head))]


def test_no_figure_moves_otherwise_after_a_gold_question(root):
    add(root, pairs(20, gold=8))
    person = Near(root, link(root, "ann"), PLAN)
    told = [figures(person.page)]
    while "<form" in person.page:
        person.judge("left")
        told.append(figures(person.page))
    assert set(golden(root)) == {True, False}
    steps = {tuple(b - a for a, b in zip(before, after, strict=True)) for before, after in pairwise(told)}
    assert steps == {(1,)}
