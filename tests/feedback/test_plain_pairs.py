"""Pairs that are taken column by column give the rows that the reader and the rules give them."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from batch_files import PAIR
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.hostile.lines import mutated_lines
from components.config import FeedbackParams
from components.feedback.columns import WORKING, table_of
from components.feedback.fields import Fields
from components.feedback.judgements import judgement_of
from components.feedback.parsing.json_lines import LineBlock
from components.feedback.plain_pairs import plain_pairs
from components.feedback.readers.pairwise import READER
from components.feedback.rules import Rules
from components.feedback.rules.characters import SEEN_AT_ONCE, is_empty

RULES = Rules.of(FeedbackParams(), Path())
SIGNED = PAIR | {"id": "r1", "annotator": "ann", "created_at": "2026-03-01T10:00:00+02:00"}
SHOWN = {
    "prompt": "Was ist größer?", "response_a": "甲比乙大。", "response_b": "Ein Löwe.", "preferred": "b",
    "annotator": "张伟", "source": "a tool", "language": "de",
}  # fmt: skip


#: A chat that a CSV file made text of.
CHAT = '[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]'


def _records(lines):
    content = "\n".join(lines).encode("utf-8")
    return dict(enumerate(LineBlock("rows.jsonl", 1, content).records(), start=5))


def _exactly(place, record, textual):
    """The row as it is made one by one; raises where one of the rules objects."""
    draft = READER.read(Fields(record.values, textual))
    return table_of([judgement_of(place, record.line, draft, RULES.check(draft))], READER.name)


def _agree(lines, rules=RULES, textual=False):
    """How many of the lines are taken; each of them as it would be otherwise."""
    records = _records(lines)
    plain = plain_pairs(records, rules)
    assert plain.schema == pl.Schema(WORKING)
    for row in plain.iter_slices(1):
        place = row["place"].item()
        assert row.equals(_exactly(place, records[place], textual)), records[place].raw
    return plain.height


@pytest.mark.parametrize(
    "row",
    [SIGNED, SHOWN, PAIR | {"annotator": "ann"}, SIGNED | {"id": None, "language": None}, SIGNED | {"source": ""},
     SIGNED | {"id": "", "created_at": None}, SHOWN | {"preferred": "tie"},
     SIGNED | {"chosen": "Zulu.", "rejected": "Alpha."}, SIGNED | {"created_at": "2026-03-01T10:00:00.123456Z"}],
)  # fmt: skip
def test_plain_pairs_are_taken(row):
    assert _agree([json.dumps(row)]) == 1
    # As CSV has it: nothing is an empty text.
    as_text = {name: value or "" for name, value in row.items()}
    assert _agree([json.dumps(as_text)], textual=True) == (
        "created_at" not in as_text or as_text["created_at"] != ""
    )


@pytest.mark.parametrize(
    "change",
    [{"annotator": None}, {"annotator": ""}, {"annotator": 7}, {"annotator": "a\u202eb"}, {"annotator": "x" * 201},
     {"id": "x" * 201}, {"id": "\x1b[31m"}, {"id": True}, {"prompt": ""}, {"prompt": None}, {"chosen": "\u200b"},
     {"chosen": "Seven. "}, {"chosen": "\uff33even."}, {"rejected": ["a"]}, {"strength": 0.5}, {"gold": "chosen"},
     {"seconds": 3}, {"note": "x"}, {"created_at": "2026-03-01T10:00:00"}, {"created_at": "2999-01-01T00:00:00Z"},
     {"created_at": "1999-01-01T00:00:00Z"}, {"created_at": 7}, {"created_at": ""}, {"source": {"a": 1}},
     {"chosen": "write to someone@example.com"}, {"prompt": "=cmd()"}, {"chosen": "<b>x</b>"}, {"language": "e\nn"},
     {"chosen": " begins with a blank"},
     {"chosen": CHAT, "rejected": CHAT.replace("Hello", "Bye")}, {"chosen": CHAT.replace('"', "'"), "rejected": CHAT},
     {"chosen": "word " * 9000}, {"rejected": "\x07"}, {"preferred": "a"}],
)  # fmt: skip
def test_whatever_is_special_is_left_to_the_rules(change):
    assert _agree([json.dumps(SIGNED | change)]) == 0


def test_places_are_in_order_and_others_are_left_out():
    records = _records([json.dumps(SIGNED), "{", json.dumps(SHOWN), json.dumps(PAIR), json.dumps(SIGNED)])
    assert plain_pairs(records, RULES)["place"].to_list() == [5, 7, 9]


def test_no_records():
    assert plain_pairs({}, RULES).schema == pl.Schema(WORKING)


@pytest.mark.parametrize("base", [SIGNED, SHOWN])
def test_mutated_rows_agree(base):
    dice = random.Random(json.dumps(base))
    values = [
        None, "", " ", "a", "tie", "A", 1, 0.5, True, [], {}, "ann", "\u2028x", "é", "x\u0301", "ﬁn", "fin",
        "2026-03-01", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00.5-11:30", "٣", "ー", "\u0301x", "\ufeffx", "1e5",
        "Blue.", "Seven.",
    ]  # fmt: skip
    rows = []
    for _ in range(3000):
        row = dict(base)
        for field in dice.sample(sorted(row), dice.randint(0, 2)):
            row[field] = dice.choice(values)
        if dice.random() < 0.2:
            row.pop(dice.choice(sorted(row)))
        rows.append(json.dumps(row, ensure_ascii=dice.random() < 0.5))
    # Most of the changes make a row special.
    assert 300 < _agree(rows) < 2500


@pytest.mark.parametrize("shape", ["pairwise, plain", "pairwise, shown"])
@pytest.mark.parametrize("textual", [False, True])
def test_hostile_lines_agree(shape, textual):
    hostile = mutated_lines(random.Random("plain pairs"), shape, 2000)
    lines = [line for line in hostile if line.isprintable()]
    assert 100 < _agree(lines, textual=textual) < 1500


def test_one_of_two_answers_may_look_like_a_chat():
    assert _agree([json.dumps(SIGNED | {"chosen": CHAT})]) == 1


@given(st.text())
def test_what_is_seen_at_once_is_not_empty(text):
    if pl.Series([text], dtype=pl.String).str.contains(SEEN_AT_ONCE).item():
        assert not is_empty(text)


def test_every_character_that_is_seen_at_once_shows_something():
    signs = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    seen = pl.Series(signs).str.contains(SEEN_AT_ONCE)
    shown = [sign for sign, is_seen in zip(signs, seen, strict=True) if is_seen]
    assert len(shown) > 32_000
    assert not any(map(is_empty, shown))


def test_the_start_of_the_project_counts():
    since = RULES.since
    rules = Rules(datetime(2026, 4, 1, tzinfo=UTC), RULES.max_tokens, None, None)
    assert since < datetime(2026, 3, 1, tzinfo=UTC)
    assert plain_pairs(_records([json.dumps(SIGNED)]), rules).height == 0
