"""Feedback that no person gave stays marked from the file to the store, and people's never looks like it."""

from __future__ import annotations

import json

import polars as pl
import pytest
from batch_files import lines, pairs

from components.feedback.automatic.names import is_reserved
from components.feedback.schema import COLUMNS
from components.feedback.sifting import as_parquet
from components.feedback.store import FEEDBACK, parts_of, read_manifest, scan_recent, scan_rows

MARKED = {"annotator": "auto:rules/length", "source": "auto:rules/length", "automatic": True}


def _why(workspace, result):
    (entry,) = workspace.refused(result)
    return entry["reason"], entry["field"], entry["message"]


def test_the_mark_is_in_the_store_and_in_the_manifest(workspace):
    result = workspace.ingest_rows(*pairs(2, **MARKED))
    assert (result.status, result.automatic) == ("accepted", True)
    assert read_manifest(workspace.root / FEEDBACK / result.batch).automatic
    rows = workspace.rows(result)
    assert rows["automatic"].to_list() == [True, True]
    assert rows["source"].to_list() == ["auto:rules/length"] * 2
    assert json.loads(rows["meta"][0]) == {}


def test_what_people_say_is_not_marked(workspace):
    plain = workspace.ingest_rows(*pairs(2, annotator="ann"))
    assert not plain.automatic
    assert workspace.rows(plain)["automatic"].to_list() == [False, False]
    said = workspace.ingest_rows({**pairs(3)[2], "annotator": "ann", "automatic": False})
    assert workspace.rows(said)["automatic"].to_list() == [False]


@pytest.mark.parametrize(
    "name",
    [
        "auto:rules",
        "AUTO:llm/x",
        " auto:x",
        "ａｕｔｏ：x",
        "au\u00adto:x",
        "a\u200buto:x",
        # A joiner, a variation selector, a Hangul filler: of no category C, and nobody sees them.
        "auto\u034f:x",
        "au\ufe0fto:x",
        "\u3164auto:x",
    ],
)
def test_reserved_names_want_the_mark(workspace, name):
    assert is_reserved(name)
    result = workspace.ingest_rows(*pairs(2, annotator="ann"), {**pairs(3)[2], "annotator": name})
    reason, field, message = _why(workspace, result)
    assert (reason, field) == ("AUTOMATIC", "annotator")
    assert "does not say automatic: true" in message
    assert result.accepted == 2


@pytest.mark.parametrize("name", ["ann", "automatic", "auto", "auto-7", "my auto:x", "自动"])
def test_other_names_are_peoples(workspace, name):
    assert not is_reserved(name)
    assert workspace.ingest_rows(*pairs(1, annotator=name)).accepted == 1


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"source": "auto:rules/length", "annotator": "ann"}, "source"),
        ({"source": "auto:rules/length"}, "source"),
        ({"annotator": "ann", "automatic": True}, "annotator"),
        ({"automatic": True}, "annotator"),
        ({"annotator": "AUTO:x", "automatic": True}, "annotator"),
    ],
)
def test_mark_and_name_go_together(workspace, row, field):
    result = workspace.ingest_rows(*pairs(2, annotator="ann"), {**pairs(3)[2], **row})
    assert _why(workspace, result)[:2] == ("AUTOMATIC", field)


def test_a_file_that_lost_its_mark_is_refused(workspace):
    rows = [
        {name: value for name, value in row.items() if name != "automatic"} for row in pairs(30, **MARKED)
    ]
    result = workspace.ingest_rows(*rows)
    assert (result.status, result.reasons["AUTOMATIC"]) == ("rejected", 30)
    assert "the row does not say automatic: true" in result.message


def test_only_pairs_are_judged_automatically(workspace):
    thumb = {"prompt": "P", "response": "R", "thumbs_up": True}
    result = workspace.ingest_rows({**thumb, "annotator": "ann"}, {**thumb, "response": "S", **MARKED})
    assert _why(workspace, result)[:2] == ("AUTOMATIC", "automatic")


def test_the_mark_is_a_word_in_csv_and_true_or_false_everywhere(workspace):
    table = "prompt,chosen,rejected,annotator,automatic\nP,a good one,a bad one,auto:x,true\n"
    assert workspace.ingest(workspace.write("b.csv", table)).automatic
    result = workspace.ingest_rows(
        *pairs(2, annotator="ann"), {**pairs(3)[2], "annotator": "ann", "automatic": "maybe"}
    )
    assert _why(workspace, result)[:2] == ("RANGE", "automatic")


def test_tools_of_annotation_cannot_bring_the_name_unmarked(workspace):
    shown = {"prompt": "P", "response_a": "a good one", "response_b": "a bad one"}
    record = {
        "id": "1",
        "fields": shown,
        "responses": {"preference": [{"value": "response_a", "user_id": "auto:x"}]},
    }
    result = workspace.ingest(workspace.write("e.json", json.dumps([record])))
    assert (result.status, result.reasons["AUTOMATIC"]) == ("rejected", 1)


def test_a_file_of_both_is_refused_as_a_whole(workspace):
    rows = [*pairs(3, annotator="ann"), *({**row, **MARKED} for row in pairs(5)[3:])]
    result = workspace.ingest_rows(*rows)
    assert (result.status, result.accepted, result.reasons) == ("rejected", 0, {"AUTOMATIC": 1})
    assert "2 automatic rows among 5" in result.message
    assert "in a file each" in result.remedy


def test_one_rule_that_judged_all_at_once_is_no_spammer(workspace):
    """The same batch by a person waits."""
    rows = pairs(60, seconds=0.1)
    automatic = workspace.ingest_rows(*({**row, **MARKED} for row in rows))
    assert automatic.status == "accepted"
    assert workspace.ingest_rows(*({**row, "annotator": "ann"} for row in rows)).status == "held"


def test_it_is_no_past_that_people_are_held_against(workspace):
    people = workspace.ingest_rows(*pairs(3, annotator="ann"))
    automatic = workspace.ingest_rows(*pairs(3, **MARKED))
    past = scan_recent(workspace.root, [automatic.batch, people.batch], 90).collect()
    assert past["automatic"].to_list() == [False] * 3


def test_rows_from_before_the_mark_are_peoples(workspace):
    result = workspace.ingest_rows(*pairs(2, annotator="ann"))
    folder = workspace.root / FEEDBACK / result.batch
    (part,) = parts_of(folder)
    part.write_bytes(as_parquet(pl.read_parquet(part).drop("automatic")))
    rows = scan_rows(folder).collect()
    assert dict(rows.schema) == COLUMNS
    assert rows["automatic"].to_list() == [False, False]


def test_the_same_judgement_comes_once(workspace):
    first = lines(pairs(2, **MARKED))
    workspace.ingest(workspace.write("one.jsonl", first))
    again = workspace.ingest(workspace.write("two.jsonl", first + lines(pairs(3, **MARKED)[2:])))
    assert (again.accepted, again.duplicates) == (1, 2)
