"""Pairs come in once, and what ingestion would refuse does not come in at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from collecting.collect_case import NO_GOLD, add, link, pairs, store_of

from components import databases
from components.collecting.assignment import next_pair
from components.collecting.judging import Answer, record
from components.collecting.tasks import add_tasks
from components.collecting.tokens import Form
from components.config import FeedbackParams
from components.errors import FeedbackError
from components.feedback.rules import Rules

PAIR = {"prompt": "p", "response_a": "first", "response_b": "second"}


def stored(root: Path) -> list[dict]:
    return [dict(row) for row in store_of(root).reading().execute("SELECT * FROM tasks ORDER BY number")]


def test_the_same_file_again_adds_nothing(root):
    assert add(root, pairs(5, gold=2)).added == 5
    again = add(root, pairs(5, gold=2))
    assert (again.added, again.known, again.refused) == (0, 5, [])
    assert [row["gold"] for row in stored(root)] == [None, None, None, "a", "a"]


def test_a_pair_in_the_other_order_is_the_same_pair(root):
    swapped = PAIR | {"response_a": "second", "response_b": "first", "id": "other"}
    result = add(root, [PAIR, swapped])
    assert (result.added, result.known) == (1, 1)
    assert stored(root)[0]["id"].startswith("pair-")


@pytest.mark.parametrize(
    ("row", "gold"),
    [
        (PAIR | {"gold": "a"}, "a"),
        ({"prompt": "p", "response_a": "second", "response_b": "first", "gold": "a"}, "b"),
        ({"prompt": "p", "response_a": "second", "response_b": "first", "gold": "tie"}, "tie"),
    ],
)
def test_gold_that_comes_later_is_kept_in_the_order_of_the_pair(root, row, gold):
    add(root, [PAIR])
    result = add(root, [row])
    assert (result.added, result.known, result.marked, result.refused) == (0, 0, 1, [])
    assert [task["gold"] for task in stored(root)] == [gold]
    # The same again, and the pair without gold, change nothing.
    again = add(root, [row, PAIR])
    assert (again.known, again.marked, again.refused) == (2, 0, [])
    assert [task["gold"] for task in stored(root)] == [gold]


def test_gold_that_comes_too_late_or_is_another_is_refused(root):
    seen, known = PAIR | {"id": "seen"}, PAIR | {"id": "known", "prompt": "q", "gold": "a"}
    add(root, [seen, known])
    link(root, "ann")
    assert next_pair(store_of(root), 1, NO_GOLD).id == "seen"
    result = add(root, [seen | {"gold": "a"}, known | {"gold": "b"}])
    assert [refusal.line for refusal in result.refused] == [1, 2]
    assert "shown without gold" in result.refused[0].what
    assert "another answer" in result.refused[1].what
    assert all(refusal.remedy for refusal in result.refused)
    assert [task["gold"] for task in stored(root)] == [None, "a"]


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"prompt": None}, "prompt", "empty"),
        ({"response_a": 7}, "response_a", "a number"),
        ({"response_b": "  "}, "response_b", "empty"),
        ({"response_b": "first"}, "response_b", "the same as response_a"),
        ({"gold": "c"}, "gold", "expected a, b or tie"),
        ({"language": 'en" onload="'}, "language", "expected a tag"),
        ({"response_a": "write to ann@example.com"}, "response_a", "e-mail"),
        ({"response_a": "turn \u202e round"}, "response_a", "bidirectional"),
        ({"response_a": "<|endoftext|>"}, "response_a", "special token"),
        ({"id": "a\x00b"}, "id", "control"),
    ],
)
def test_a_refused_row_is_named_by_file_line_field_and_remedy(root, change, field, said):
    result = add(root, [PAIR, PAIR | {"prompt": "q"} | change])
    assert result.added == 1
    (refusal,) = result.refused
    assert (Path(refusal.file).name, refusal.line, refusal.field) == ("pairs.jsonl", 2, field)
    assert said in refusal.what
    assert refusal.remedy


def test_lines_that_are_no_pair_are_refused(root, tmp_path):
    path = tmp_path / "broken.jsonl"
    path.write_text('{"prompt": "p"\n[1]\n\n{"prompt": "p", "prompt": "q"}\n')
    result = add_tasks(store_of(root), path, Rules.of(FeedbackParams(), root))
    assert [refusal.line for refusal in result.refused] == [1, 2, 4]
    assert result.added == 0


def test_an_id_of_another_pair_and_a_secret_are_refused_alone(root):
    key = "-----BEGIN PRIVATE KEY-----\n" + "A" * 64
    other, secret = PAIR | {"id": "x", "response_a": "third"}, PAIR | {"prompt": key}
    result = add(root, [PAIR | {"id": "x"}, other, secret, PAIR | {"prompt": "last", "id": "z"}])
    assert result.added == 2
    assert [refusal.line for refusal in result.refused] == [2, 3]
    assert "BEGIN" not in result.refused[1].what


def test_who_judges_does_not_wait_while_pairs_are_checked(root, monkeypatch):
    monkeypatch.setattr(databases, "BUSY_S", 0.1)
    add(root, [PAIR | {"prompt": "judged"}])
    link(root, "ann")

    class Slow(Rules):
        """Somebody judges while it is at work."""

        def check(self, draft):
            pair = next_pair(store_of(root), 1, NO_GOLD)
            if pair is not None:
                said.append(record(store_of(root), 1, Form(pair.number, 0), Answer("left")))
            super().check(draft)

    said = []
    rules = Slow.of(FeedbackParams(), root)
    path = root / "more.jsonl"
    path.write_text(json.dumps(PAIR | {"prompt": "new"}) + "\n")
    assert add_tasks(store_of(root), path, rules).added == 1
    assert said == ["stored"]


def test_what_means_nothing_here_is_said(root):
    assert add(root, [PAIR | {"score": 3}]).ignored == {"score"}


def test_a_file_that_is_no_text_adds_nothing(root, tmp_path):
    path = tmp_path / "latin.jsonl"
    path.write_bytes(b'{"prompt": "p", "response_a": "a", "response_b": "b"}\n\xff\n')
    with pytest.raises(FeedbackError, match="cannot read"):
        add_tasks(store_of(root), path, Rules.of(FeedbackParams(), root))
    assert stored(root) == []
