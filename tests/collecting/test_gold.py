"""Nobody is told which pairs are gold questions, neither before nor after they answer them."""

from __future__ import annotations

import re
from itertools import pairwise

from collecting.collect_case import Near, add, form_in, judgements, link, pairs, store_of
from itsdangerous import URLSafeSerializer

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


def test_a_form_does_not_say_which_pair_it_is_of(root):
    """Its signature is no seal: anybody can read what was signed."""
    add(root, pairs(20, gold=8))
    person = Near(root, link(root, "ann"), PLAN)
    read = []
    while "<form" in person.page:
        for page in (person.page, person.client.get("/").text):
            read.append(URLSafeSerializer("whatever").loads_unsafe(form_in(page))[1])
        person.judge("left")
    assert set(golden(root)) == {True, False}
    # The session and the person are the same throughout, the revision is 0: all else never comes twice.
    assert len({(*parts[:2], parts[-1]) for parts in read}) == 1
    for column in list(zip(*read, strict=True))[2:-1]:
        assert len(set(column)) == len(read)
        assert not set(column) & set(range(100))


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
