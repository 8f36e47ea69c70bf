"""The plain formats, one for each kind of feedback."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from batch_files import PAIR


def test_chosen_and_rejected(workspace):
    extra = {
        "id": 7, "annotator": "ann-1", "created_at": "2025-03-03T10:00:00+02:00", "source": "pilot",
        "language": "en", "strength": 0.25, "page": {"n": 3}, "note": None,
    }  # fmt: skip
    row = workspace.only_row(PAIR | extra)
    assert (row["kind"], row["prompt"], row["messages"]) == ("pairwise", "Name a colour.", None)
    assert row["responses"] == ["Blue.", "Seven."]
    moment = datetime(2025, 3, 3, 8, tzinfo=UTC)
    assert row["votes"] == [{"annotator": "ann-1", "label": 1.0, "at": moment}]
    assert (row["row_id"], row["annotator"], row["created_at"]) == ("7", "ann-1", moment)
    assert (row["source"], row["language"], row["strength"]) == ("pilot", "en", 0.25)
    assert json.loads(row["meta"]) == {"page": {"n": 3}}
    assert (row["ranks"], row["scale_min"], row["scale_max"]) == (None, None, None)


@pytest.mark.parametrize(
    ("preferred", "label"),
    [("a", 1.0), ("B", 0.0), (" Tie ", 0.5), ("first", 1.0), ("response_b", 0.0), ("model_a", 1.0), ("equal", 0.5),
     ("left", 1.0), ("tie (bothbad)", 0.5)],
)  # fmt: skip
def test_preferred(workspace, preferred, label):
    row = workspace.only_row({"prompt": "p", "response_a": "x", "response_b": "y", "preferred": preferred})
    assert (row["responses"], row["votes"]) == (["x", "y"], [{"annotator": None, "label": label, "at": None}])


@pytest.mark.parametrize(
    ("gold", "label"), [("chosen", 1.0), (" Rejected", 0.0), ("tie", 0.5), (None, None), ("both", 0.5)]
)
def test_gold_and_seconds(workspace, gold, label):
    row = workspace.only_row(PAIR | {"gold": gold, "seconds": 4})
    assert (row["gold"], row["seconds"], row["tags"]) == (label, 4.0, [])


@pytest.mark.parametrize(("gold", "label"), [("a", 1.0), ("response_b", 0.0), ("Tie", 0.5)])
def test_gold_is_spelled_as_the_preference(workspace, gold, label):
    row = {"prompt": "p", "response_a": "x", "response_b": "y", "preferred": "a", "gold": gold}
    assert workspace.only_row(row)["gold"] == label


@pytest.mark.parametrize("preferred", ["c", "1", 1, 0, "2"])
def test_a_preference_that_could_mean_either_is_not_guessed(workspace, preferred):
    row = {"prompt": "p", "response_a": "x", "response_b": "y", "preferred": preferred}
    entry = workspace.fault(row, beside=row | {"prompt": "q", "preferred": "a"})
    assert (entry["reason"], entry["field"]) == ("RANGE", "preferred")


@pytest.mark.parametrize(
    ("scale", "rating", "bounds"),
    [({}, 5, (1, 5)), ({"scale": 10}, 10, (1, 10)), ({"scale": "1-7"}, 6.5, (1, 7)), ({"scale": "0 to 3"}, 0, (0, 3)),
     ({"scale": "-1..1"}, -1, (-1, 1))],
)  # fmt: skip
def test_rating(workspace, scale, rating, bounds):
    row = workspace.only_row({"prompt": "p", "response": "r", "rating": rating, **scale})
    assert (row["kind"], row["responses"]) == ("rating", ["r"])
    assert (row["votes"][0]["label"], row["scale_min"], row["scale_max"]) == (rating, *bounds)


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ({"rating": 6}, "rating", "RANGE"),
        ({"rating": 0.9}, "rating", "RANGE"),
        ({"rating": "4"}, "rating", "TYPE"),
        ({"rating": True}, "rating", "TYPE"),
        ({"rating": None}, "rating", "MISSING_COL"),
        ({"rating": 3, "scale": 1}, "scale", "RANGE"),
        ({"rating": 3, "scale": "5 stars"}, "scale", "TYPE"),
        ({"rating": 3, "scale": [1, 5]}, "scale", "TYPE"),
    ],
)
def test_rating_faults(workspace, row, field, reason):
    whole = {"prompt": "p", "response": "r", **row}
    entry = workspace.fault(whole, beside={"prompt": "p", "response": "r", "rating": 3})
    assert (entry["reason"], entry["field"]) == (reason, field)


@pytest.mark.parametrize(
    ("thumbs_up", "label"), [(True, 1.0), (False, 0.0), ("up", 1.0), ("No", 0.0), (1, 1.0), (0, 0.0)]
)
def test_thumbs(workspace, thumbs_up, label):
    row = workspace.only_row({"prompt": "p", "response": "r", "thumbs_up": thumbs_up})
    assert (row["kind"], row["votes"][0]["label"]) == ("thumbs", label)


@pytest.mark.parametrize(
    "given",
    [
        {"responses": ["x", "y", "z"], "ranks": [2, 1, 2]},
        {"responses": ["x", "y", "z"], "ranks": [2.0, 1.0, 2.0]},
        {"responses": [{"response": "x", "rank": 2}, {"text": "y", "rank": 1}, {"answer": "z", "rank": 2}]},
    ],
)
def test_ranking(workspace, given):
    row = workspace.only_row({"prompt": "p", "annotator": "ann", **given})
    assert (row["kind"], row["responses"], row["ranks"]) == ("ranking", ["x", "y", "z"], [2, 1, 2])
    assert (row["votes"], row["annotator"]) == ([], "ann")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"responses": ["x", "y"], "ranks": [1]}, "RANGE"),
        ({"responses": ["x"], "ranks": [1]}, "RANGE"),
        ({"responses": ["x", "y"], "ranks": [0, 1]}, "RANGE"),
        ({"responses": ["x", "y"], "ranks": [1, 1.5]}, "TYPE"),
        ({"responses": ["x", "y"], "ranks": [1, 10**30]}, "RANGE"),
        ({"responses": ["x", 3], "ranks": [1, 2]}, "TYPE"),
        ({"responses": "x", "ranks": [1, 2]}, "TYPE"),
        ({"responses": ["x", None], "ranks": [1, 2]}, "EMPTY_RESP"),
        ({"responses": ["x", "y", " x"], "ranks": [1, 2, 3]}, "IDENTICAL"),
        ({"responses": ["x", "y"]}, "TYPE"),
        ({"responses": [{"rank": 1}, {"response": "y", "rank": 2}]}, "MISSING_COL"),
        ({"responses": [], "ranks": []}, "RANGE"),
    ],
)
def test_ranking_faults(workspace, given, reason):
    sound = {"prompt": "p", "responses": ["a", "b"], "ranks": [1, 2]}
    assert workspace.fault({"prompt": "p", **given}, beside=sound)["reason"] == reason


def test_demonstration_and_edit(workspace):
    row = workspace.only_row({"prompt": "p", "response": "r", "annotator": "ann"})
    assert (row["kind"], row["responses"], row["votes"], row["annotator"]) == (
        "demonstration",
        ["r"],
        [],
        "ann",
    )
    row = workspace.only_row({"prompt": "p", "response": "r", "edited_response": "R."})
    assert (row["kind"], row["responses"], row["source"]) == ("edit", ["r", "R."], "edit")


def test_chat_prompts(workspace):
    chat = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Name a colour."},
    ]
    row = workspace.only_row(PAIR | {"prompt": chat})
    assert row["messages"] == chat
    assert row["prompt"] == "System: Be brief.\n\nUser: Hi\n\nAssistant: Hello\n\nUser: Name a colour."


def test_a_chat_of_one_turn_is_the_same_prompt_as_its_text(workspace):
    chat = [{"role": "user", "content": "Name a colour."}]
    first, second = PAIR | {"annotator": "ann"}, PAIR | {"annotator": "ann", "prompt": chat}
    result = workspace.ingest_rows(first, second)
    assert (result.accepted, result.duplicates) == (1, 1)


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ([], "CHAT"),
        ([{"role": "assistant", "content": "Hello"}], "CHAT"),
        ([{"role": "wizard", "content": "Hello"}], "CHAT"),
        ([{"role": "user", "content": 3}], "TYPE"),
        ([{"role": "user"}], "MISSING_COL"),
        (["Hi"], "TYPE"),
        ([{"role": "user", "content": "Hi"}, {"role": "user", "content": " "}], "EMPTY_PROMPT"),
        ({"role": "user", "content": "Hi"}, "TYPE"),
        (7, "TYPE"),
    ],
)
def test_chat_faults(workspace, prompt, reason):
    entry = workspace.fault(PAIR | {"prompt": prompt})
    assert (entry["reason"], entry["field"].split(".")[0]) == (reason, "prompt")
