"""Forms as browsers send them: every text as it stands on the page, whether anybody touched it or not."""

from __future__ import annotations

import re

import pytest
from collecting.collect_case import Near, add, judgements, lines, link, pairs, store_of

from components import databases
from flows.collect.writing import write_export

#: How lines end on Windows, on old Macs and in mainframes' texts.
ENDS = ["\r\n", "\r", "\x85", "\n"]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("choice", ["left", "right", "tie", "bad"])
def test_what_nobody_touched_is_no_edit_however_its_lines_end(root, end, choice):
    add(root, [{"prompt": f"p{end}q", "response_a": f"one{end}two", "response_b": f"three{end}four"}])
    person = Near(root, link(root, "ann"))
    assert person.judge_as_shown(choice).status_code == 200
    (row,) = judgements(root)
    assert row["edited"] is None


def test_an_edit_holds_no_mark_that_nobody_wrote(root):
    add(root, [{"prompt": "p", "response_a": "one\r\ntwo", "response_b": "three\rfour"}])
    person = Near(root, link(root, "ann"))
    shown = person.areas["edit_left"]
    assert "\ufffd" not in person.page
    person.judge_as_shown("left", edit_left=f"{shown} More.".replace("\n", "\r\n"))
    (row,) = judgements(root)
    assert row["edited"] in ("one\ntwo More.", "three\nfour More.")


def test_both_edits_come_back_open_beside_why_they_were_not_taken(root):
    add(root, [{"prompt": "p", "response_a": "one", "response_b": "two"}])
    person = Near(root, link(root, "ann"))
    before = person.areas
    written = {"edit_left": "three paragraphs", "edit_right": "one more", "comment": "why"}
    assert person.judge_as_shown("left", strength="slightly", **written).status_code == 422
    assert person.areas == written
    assert person.page.count("<details") == person.page.count(" open>") == 3
    # The other text put back as it was, the rest is taken as it stands on the page.
    assert person.judge_as_shown("left", edit_right=before["edit_right"]).status_code == 200
    (row,) = judgements(root)
    assert (row["edited"], row["comment"]) == ("three paragraphs", "why")


def test_how_clearly_is_what_was_said_and_nothing_where_nothing_was(root):
    add(root, pairs(3))
    person = Near(root, link(root, "ann"))
    for strength in ("", "clearly", "slightly"):
        assert not re.search('name="(choice|strength)"[^>]* checked', person.page)
        person.judge("left", **({"strength": strength} if strength else {}))
        back = person.client.get("/back").text
        assert re.findall('name="strength" value="([a-z]+)" checked', back) == [strength] * bool(strength)
    write_export(root, root / "said.jsonl")
    assert [row.get("strength") for row in lines(root / "said.jsonl")] == [None, 1.0, 0.5]
    assert [row["strength"] for row in judgements(root)] == [None, 1.0, 0.5]


def test_where_nothing_can_be_written_just_now_all_that_was_written_stays(root, monkeypatch):
    monkeypatch.setattr(databases, "BUSY_S", 0.1)
    add(root, pairs(2))
    person = Near(root, link(root, "ann"))
    with store_of(root).writing():
        response = person.judge_as_shown("left", edit_left="long work", comment="a remark")
    assert (response.status_code, "save it again" in response.text) == (503, True)
    assert (person.areas["edit_left"], person.areas["comment"]) == ("long work", "a remark")
    assert person.judge_as_shown("left").status_code == 200
    (row,) = judgements(root)
    assert (row["edited"], row["comment"]) == ("long work", "a remark")
