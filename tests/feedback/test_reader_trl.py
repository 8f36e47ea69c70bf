"""TRL's formats beside preferences: demonstrations as chats, completions, unpaired preferences."""

from __future__ import annotations

import json

import pytest
from chat_rows import ASKED, IMAGE, LEFT, RIGHT, SYSTEM, TEXT, ULTRAFEEDBACK, answer, pair, user


def test_messages_are_a_demonstration_of_the_last_answer(workspace):
    row = workspace.only_row({"messages": [SYSTEM, *ASKED, LEFT], "id": 7, "prompt_id": "x"})
    assert (row["kind"], row["source"], row["row_id"]) == ("demonstration", "messages", "7")
    assert (row["messages"], row["responses"], row["votes"]) == ([SYSTEM, *ASKED], ["Blue."], [])
    assert json.loads(row["meta"]) == {"prompt_id": "x"}


def test_ultrachat_names_its_first_turn_as_the_prompt(workspace):
    row = workspace.only_row({"prompt": "Hi", "prompt_id": "x", "messages": [*ASKED, LEFT]})
    assert (row["kind"], row["prompt"], row["responses"]) == ("demonstration", TEXT, ["Blue."])


@pytest.mark.parametrize(
    ("row", "format_name"),
    [
        (ULTRAFEEDBACK, "pairwise"),
        (pair(ASKED, messages=[*ASKED, LEFT]), "hh-rlhf"),
        ({"prompt": "p", "response": "r", "rating": 3, "messages": ASKED}, "rating"),
        ({"messages": [*ASKED, LEFT]}, "messages"),
        ({"prompt": "p", "completion": "c"}, "completion"),
        ({"prompt": "p", "response": "r", "completion": "c"}, "demonstration"),
        ({"prompt": "p", "chosen": "r", "rejected": "s", "completion": "c"}, "pairwise"),
        ({"prompt": "p", "completion": "c", "label": False}, "kto"),
    ],
)
def test_the_format_is_told_by_the_columns(workspace, row, format_name):
    result = workspace.ingest_rows(row)
    assert result.status == "accepted", result.message
    assert workspace.manifest(result)["format"] == format_name


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [*ASKED, LEFT], "label": True},
        {"messages": [*ASKED, LEFT], "rating": 1},
        {"prompt": "p", "completion": "c", "score": 0.1},
        {"prompt": "p", "completion": "c", "thumbs_up": False},
    ],
)
def test_a_judged_answer_is_not_taken_for_a_demonstration(workspace, row):
    result = workspace.ingest_rows(row)
    assert (result.status, result.reasons) == ("rejected", {"AMBIGUOUS": 1})


COMPLETIONS = [
    ("Name a colour.", "Blue.", "Name a colour.", None),
    (ASKED, "Blue.", TEXT, ASKED),
    (ASKED, [LEFT], TEXT, ASKED),
    ("Name a colour.", [LEFT], "Name a colour.", None),
    ("Name a colour.", [*ASKED, LEFT], TEXT, ASKED),
]


@pytest.mark.parametrize(("prompt", "completion", "text", "messages"), COMPLETIONS)
def test_completions(workspace, prompt, completion, text, messages):
    row = workspace.only_row({"prompt": prompt, "completion": completion})
    assert (row["kind"], row["source"]) == ("demonstration", "completion")
    assert (row["prompt"], row["messages"], row["responses"]) == (text, messages, ["Blue."])


@pytest.mark.parametrize(("prompt", "completion", "text", "messages"), COMPLETIONS)
@pytest.mark.parametrize(("label", "vote"), [(True, 1.0), (False, 0.0), ("true", 1.0), (0, 0.0)])
def test_unpaired_preferences(workspace, prompt, completion, text, messages, label, vote):
    row = workspace.only_row({"prompt": prompt, "completion": completion, "label": label, "annotator": "ann"})
    assert (row["kind"], row["source"]) == ("thumbs", "kto")
    assert (row["prompt"], row["messages"], row["responses"]) == (text, messages, ["Blue."])
    assert row["votes"] == [{"annotator": "ann", "label": vote, "at": None}]


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"label": None}, "MISSING_COL", "label"),
        ({"label": 2}, "RANGE", "label"),
        ({"label": 0.5}, "TYPE", "label"),
        ({"completion": []}, "CHAT", "completion"),
        ({"completion": [user("Hi")]}, "CHAT", "completion"),
        ({"completion": [LEFT, RIGHT]}, "CHAT", "completion"),
        ({"completion": ""}, "EMPTY_RESP", "completion"),
        ({"prompt": []}, "CHAT", "prompt"),
        ({"prompt": ""}, "EMPTY_PROMPT", "prompt"),
    ],
)
def test_faults_of_unpaired_preferences(workspace, fields, reason, field):
    sound = {"prompt": "p", "completion": "c", "label": True}
    entry = workspace.fault(sound | {"prompt": "q"} | fields, beside=sound)
    assert (entry["reason"], entry["field"]) == (reason, field)


@pytest.mark.parametrize(
    ("messages", "reason", "field"),
    [
        ([], "CHAT", "messages"),
        ("Hi", "TYPE", "messages"),
        ([LEFT], "CHAT", "messages"),
        ([user("Hi")], "CHAT", "messages"),
        ([user("Hi"), answer([IMAGE])], "TYPE", "messages[1].content"),
        ([user(" "), LEFT], "EMPTY_PROMPT", "messages"),
    ],
)
def test_faults_of_demonstrations(workspace, messages, reason, field):
    entry = workspace.fault({"messages": messages}, beside={"messages": [user("Hi"), LEFT]})
    assert (entry["reason"], entry["field"]) == (reason, field)
