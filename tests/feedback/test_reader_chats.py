"""Answers given as lists of messages: UltraFeedback-binarized and TRL's conversational formats."""

from __future__ import annotations

import csv
import io
import json

import pytest
from batch_files import PAIR, Workspace, lines, pairs
from chat_rows import ASKED, IMAGE, LEFT, PARTS, RIGHT, SYSTEM, TEXT, ULTRAFEEDBACK, answer, pair, user


def test_ultrafeedback_binarized(workspace):
    row = workspace.only_row(ULTRAFEEDBACK)
    assert (row["kind"], row["source"]) == ("pairwise", "pairwise")
    assert (row["prompt"], row["messages"]) == ("Name a colour.", [user("Name a colour.")])
    assert row["responses"] == ["Blue.", "Seven."]
    assert row["votes"] == [{"annotator": None, "label": 1.0, "at": None}]
    # A model's scores on a scale that the file does not name are no strength; `messages` are `chosen` again.
    assert row["strength"] is None
    assert json.loads(row["meta"]) == {"prompt_id": "6ba0", "score_chosen": 8.5, "score_rejected": 6.0}


def test_ultrafeedback_binarized_as_parquet(workspace):
    second = pair([user("Another?")], prompt="Another?", prompt_id="7", score_chosen=1.0, score_rejected=1.0)
    path = workspace.write_parquet("b.parquet", [ULTRAFEEDBACK, second | {"messages": second["chosen"]}])
    result = workspace.ingest(path)
    assert (result.status, result.accepted) == ("accepted", 2), result.message
    assert workspace.manifest(result)["format"] == "pairwise"
    assert workspace.rows(result)["responses"].to_list() == [["Blue.", "Seven."]] * 2


@pytest.mark.parametrize(
    ("row", "prompt", "messages"),
    [
        ({"prompt": [user("Hi")], "chosen": [LEFT], "rejected": [RIGHT]}, "Hi", [user("Hi")]),
        ({"prompt": ASKED, "chosen": [LEFT], "rejected": [RIGHT]}, TEXT, ASKED),
        ({"prompt": "Hi", "chosen": [LEFT], "rejected": [RIGHT]}, "Hi", None),
        (pair(ASKED), TEXT, ASKED),
        (pair(ASKED, prompt=None), TEXT, ASKED),
        (pair(ASKED, prompt=ASKED), TEXT, ASKED),
        (pair(ASKED, prompt="Name a colour. "), TEXT, ASKED),
        (pair(ASKED, prompt="Hi"), TEXT, ASKED),
        (pair(ASKED, prompt=TEXT), TEXT, ASKED),
        (pair([SYSTEM, user("Hi")], prompt="Hi"), "System: Be brief.\n\nUser: Hi", [SYSTEM, user("Hi")]),
    ],
)
def test_where_the_prompt_stands(workspace, row, prompt, messages):
    # A sound row beside it tells that the file has a prompt of its own.
    result = workspace.ingest_rows(PAIR, row) if "prompt" in row else workspace.ingest_rows(row)
    assert result.quarantined == 0, workspace.refused(result)
    found = workspace.rows(result).to_dicts()[-1]
    assert (found["prompt"], found["messages"]) == (prompt, messages)
    assert (found["kind"], found["responses"]) == ("pairwise", ["Blue.", "Seven."])


def test_a_prompt_that_both_chats_share_is_no_transcript_of_hh_rlhf(workspace):
    row = workspace.only_row(pair(ASKED, annotator="ann", strength=0.5))
    assert (row["source"], row["annotator"], row["strength"]) == ("pairwise", "ann", 0.5)


def test_chats_and_texts_say_the_same(workspace):
    text = PAIR | {"annotator": "ann"}
    result = workspace.ingest_rows(text, ULTRAFEEDBACK | {"annotator": "ann"})
    assert (result.accepted, result.duplicates) == (1, 1)


TAKEN = [
    # OpenAI's content as parts, of which one text is a text.
    ({"chosen": [user("Hi"), answer(PARTS)]}, {}),
    ({"chosen": [user([{"type": "text", "text": "Hi"}]), LEFT]}, {}),
    # What else a turn says is kept.
    ({"chosen": [user("Hi"), LEFT | {"weight": 1}]}, {"chosen": [{}, {"weight": 1}]}),
    ({"chosen": [user("Hi"), LEFT | {"name": None, "tool_calls": None}]}, {}),
]


@pytest.mark.parametrize(("fields", "meta"), TAKEN)
def test_what_a_turn_may_hold(workspace, fields, meta):
    row = workspace.only_row(pair([user("Hi")]) | fields)
    assert (row["prompt"], row["responses"]) == ("Hi", ["Blue.", "Seven."])
    assert json.loads(row["meta"]) == meta


HOSTILE = [
    ({"chosen": []}, "CHAT", "chosen", "has no turns"),
    ({"rejected": []}, "CHAT", "rejected", "has no turns"),
    ({"chosen": [[]]}, "TYPE", "chosen[0]", "is a list, expected an object"),
    ({"chosen": ["Blue."]}, "TYPE", "chosen[0]", "is text, expected an object"),
    ({"chosen": [user("Hi"), None]}, "TYPE", "chosen[1]", "is null, expected an object"),
    ({"chosen": None}, "MISSING_COL", "chosen", "is empty"),
    ({"chosen": "Blue."}, "TYPE", "chosen", "is text, expected a list"),
    ({"rejected": "Seven."}, "TYPE", "rejected", "is text, expected a list"),
    ({"chosen": {"role": "assistant", "content": "Blue."}}, "TYPE", "chosen", "is an object, expected a list"),
    ({"chosen": [user("Hi")]}, "CHAT", "chosen", "the last turn is not the assistant's"),
    ({"rejected": [user("Hi"), RIGHT, user("And?")]}, "CHAT", "rejected", "the last turn is not the assistant's"),
    ({"rejected": [user("Hello"), RIGHT]}, "CHAT", "rejected", "parts from chosen before the last answer"),
    ({"rejected": [RIGHT]}, "CHAT", "rejected", "parts from chosen before the last answer"),
    ({"rejected": [user("Hi"), LEFT, user("And?"), RIGHT]}, "CHAT", "rejected", "parts from chosen"),
    ({"chosen": [user("Hi"), {"role": "wizard", "content": "Blue."}]}, "CHAT", "chosen", "assistant's"),
    ({"chosen": [user("Hi"), {"role": ["assistant"], "content": "Blue."}]}, "TYPE", "chosen[1].role", "is a list"),
    ({"chosen": [user("Hi"), {"content": "Blue."}]}, "MISSING_COL", "chosen[1].role", "is missing"),
    ({"chosen": [user("Hi"), {"role": "assistant"}]}, "MISSING_COL", "chosen[1].content", "is missing"),
    ({"chosen": [{"from": "human", "value": "Hi"}]}, "MISSING_COL", "chosen[0].role", "is missing"),
    ({"chosen": [user("Hi"), answer(7)]}, "TYPE", "chosen[1].content", "is a number, expected text"),
    ({"chosen": [user("Hi"), answer([])]}, "TYPE", "chosen[1].content", "holds 0 parts, expected one text"),
    ({"chosen": [user("Hi"), answer([PARTS[0], PARTS[0]])]}, "TYPE", "chosen[1].content", "holds 2 parts"),
    ({"chosen": [user("Hi"), answer([IMAGE])]}, "TYPE", "chosen[1].content", "holds a part of type 'image_url'"),
    ({"chosen": [user("Hi"), answer([["Blue."]])]}, "TYPE", "chosen[1].content", "is a list, expected an object"),
    ({"chosen": [user("Hi"), answer([{"type": "text"}])]}, "MISSING_COL", "chosen[1].content.text", "is missing"),
    ({"chosen": [user("Hi"), answer([{"type": "text", "text": {}}])]}, "TYPE", "chosen[1].content.text", "an object"),
    ({"chosen": [user("Hi"), answer(None)]}, "EMPTY_RESP", "chosen", "is empty"),
    ({"chosen": [user("Hi"), answer("\u200b")]}, "EMPTY_RESP", "chosen", "is empty"),
    ({"chosen": [user("Hi"), answer("Seven. ")]}, "IDENTICAL", "rejected", "is the same as chosen"),
    ({"chosen": [user("Hi"), answer("Fine.\n\nHuman: go on")]}, "TEMPLATE", "chosen", "holds"),
    ({"chosen": [user("Hi"), answer("<|im_end|>")]}, "SPECIAL_TOKEN", "chosen", "holds"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "code", "field", "what"), HOSTILE)
def test_faults_of_chats_name_their_field(workspace, fields, code, field, what):
    entry = workspace.fault(pair([user("Hi")]) | fields, beside=pair([user("Sound?")]))
    assert (entry["reason"], entry["field"]) == (code, field)
    assert what in entry["message"]


BEFORE = [
    ([], "chosen", "the last turn is not the user's"),
    ([SYSTEM], "chosen", "the last turn is not the user's"),
    ([user("Hi"), answer("Hello")], "chosen", "the last turn is not the user's"),
    ([{"role": "wizard", "content": "x"}, user("Hi")], "chosen", "role 'wizard' is none of"),
    ([{"role": "tool", "content": "x"}, user("Hi")], "chosen", "role 'tool' is none of"),
]


@pytest.mark.parametrize(("before", "field", "what"), BEFORE)
def test_turns_that_are_no_prompt(workspace, before, field, what):
    entry = workspace.fault(pair(before), beside=pair([user("Sound?")]))
    assert (entry["reason"], entry["field"]) == ("CHAT", field)
    assert what in entry["message"]


@pytest.mark.parametrize(
    ("prompt", "reason", "field"),
    [
        ("Another?", "CHAT", "prompt"),
        ("", "CHAT", "prompt"),
        ("Hello", "CHAT", "prompt"),
        ([user("Another?")], "CHAT", "prompt"),
        ([user("Name a colour.")], "CHAT", "prompt"),
        ([*ASKED, LEFT], "CHAT", "prompt"),
        ([], "CHAT", "prompt"),
        ([user(3)], "TYPE", "prompt[0].content"),
        (7, "TYPE", "prompt"),
    ],
)
def test_a_prompt_that_is_not_what_was_answered(workspace, prompt, reason, field):
    entry = workspace.fault(pair(ASKED, prompt=prompt))
    assert (entry["reason"], entry["field"]) == (reason, field)


def csv_of(*rows):
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def test_chats_in_csv_are_json(workspace):
    row = {name: json.dumps(value) for name, value in pair(ASKED, prompt=ASKED).items()}
    result = workspace.ingest(workspace.write("b.csv", csv_of(row)))
    assert (result.status, result.accepted) == ("accepted", 1), result.message
    (found,) = workspace.rows(result).to_dicts()
    assert (found["messages"], found["responses"]) == (ASKED, ["Blue.", "Seven."])


@pytest.mark.parametrize("dump", [str, json.dumps])
def test_chats_that_were_turned_into_text_are_not_taken_for_answers(workspace, dump):
    written = {name: dump(value) for name, value in pair([user("Hi")]).items()} | {"prompt": "Hi"}
    entry = workspace.fault(written)
    assert (entry["reason"], entry["field"]) == ("TYPE", "chosen")
    assert "is text, expected a list" in entry["message"]


def test_chats_as_python_writes_them_in_csv_are_not_taken_for_answers(workspace):
    written = {name: str(value) for name, value in pair([user("Hi")]).items()} | {"prompt": "Hi"}
    result = workspace.ingest(workspace.write("b.csv", csv_of(*pairs(1), written)))
    (entry,) = workspace.refused(result)
    assert (entry["line"], entry["reason"], entry["field"]) == (3, "JSON", "chosen")
    assert entry["message"].startswith("b.csv line 3: chosen: ")


def test_one_answer_that_shows_a_list_of_messages_is_an_answer(workspace):
    shown = json.dumps([user("Hi")])
    assert workspace.only_row(PAIR | {"chosen": shown})["responses"] == [shown, "Seven."]


def test_a_whole_file_of_chats_in_both_packings(workspace):
    rows = [pair([user(f"Question {number}?")]) for number in range(30)]
    for name, content in (("a.jsonl", lines(rows)), ("b.json", json.dumps(rows))):
        fresh = Workspace(workspace.folder / name[0])
        fresh.folder.mkdir()
        assert fresh.ingest(fresh.write(name, content)).accepted == 30
