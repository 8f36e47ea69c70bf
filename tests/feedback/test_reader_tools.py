"""Exports of annotation tools: Argilla's records as JSON, Label Studio's tasks as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest


def _argilla(responses, fields=None, **more):
    shown = {"instruction": "Name a colour.", "response_1": "Blue.", "response_2": "Seven.", "hint": "short"}
    return {
        "id": "r-1", "fields": fields or shown, "metadata": {}, "suggestions": {"preference": {"value": "response_2"}},
        "responses": responses, "vectors": {}, "_server_id": "s", **more,
    }  # fmt: skip


def _export(workspace, record):
    """The row that a record of a JSON array becomes."""
    result = workspace.ingest(workspace.write("export.json", json.dumps([record])))
    assert result.status == "accepted", result.message
    (row,) = workspace.rows(result).to_dicts()
    return row


def test_argilla_preferences(workspace):
    answers = [
        {"value": "response_1", "user_id": "u1"},
        {"value": "tie", "user_id": "u2"},
        {"value": "response_2", "user_id": "None"},
        {"value": "response_2", "user_id": "u4", "status": "discarded"},
    ]
    row = _export(workspace, _argilla({"preference": answers}))
    assert (row["kind"], row["source"], row["row_id"]) == ("pairwise", "argilla", "r-1")
    assert (row["prompt"], row["responses"]) == ("Name a colour.", ["Blue.", "Seven."])
    votes = [(vote["annotator"], vote["label"]) for vote in row["votes"]]
    assert votes == [("u1", 1.0), ("u2", 0.5), (None, 0.0)]
    assert json.loads(row["meta"])["fields"] == {"hint": "short"}
    assert "suggestions" not in json.loads(row["meta"])


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (["response_2", "response_1"], 0.0),
        ([{"value": "response_1", "rank": 1}, {"value": "response_2", "rank": 2}], 1.0),
        ([{"value": "response_1", "rank": 1}, {"value": "response_2", "rank": 1}], 0.5),
    ],
)
def test_argilla_rankings_of_two(workspace, value, label):
    answers = {"why": [{"value": "because", "user_id": "u"}], "ranking": [{"value": value, "user_id": "u"}]}
    assert _export(workspace, _argilla(answers))["votes"][0]["label"] == label


@pytest.mark.parametrize(("gold", "label"), [("response_2", 0.0), ("a", 1.0), ("tie", 0.5), (None, None)])
def test_argilla_gold(workspace, gold, label):
    answers = {"preference": [{"value": "response_1", "user_id": "u1"}]}
    row = _export(workspace, _argilla(answers, metadata={"gold": gold, "page": 3}))
    assert row["gold"] == label
    assert json.loads(row["meta"])["metadata"]["page"] == 3


def test_argilla_ratings(workspace):
    fields = {"prompt": "Name a colour.", "response": "Blue."}
    answers = {"stars": [{"value": 4, "user_id": "u1"}, {"value": 7, "user_id": "u2"}]}
    row = _export(workspace, _argilla(answers, fields, metadata={"scale": 10}))
    assert (row["kind"], row["responses"], row["scale_max"]) == ("rating", ["Blue."], 10.0)
    assert [vote["label"] for vote in row["votes"]] == [4.0, 7.0]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (_argilla({}), "NO_VOTES"),
        (_argilla({"preference": [{"value": "response_1", "user_id": "u", "status": "draft"}]}), "NO_VOTES"),
        (_argilla({"preference": [{"value": "response_3", "user_id": "u"}]}), "RANGE"),
        (_argilla({"preference": [{"value": ["response_1"], "user_id": "u"}]}), "RANGE"),
        (
            _argilla({"p": [{"value": "a", "user_id": "u"}], "q": [{"value": "b", "user_id": "u"}]}),
            "MISSING_COL",
        ),
        (_argilla({"rating": [{"value": 6, "user_id": "u"}]}, {"prompt": "p", "response": "r"}), "RANGE"),
        (_argilla({"rating": [{"value": 5, "user_id": "u"}]}, {"prompt": "p", "image": "r"}), "MISSING_COL"),
    ],
)
def test_argilla_faults(workspace, record, reason):
    sound = _argilla({"preference": [{"value": "response_1", "user_id": "u1"}]})
    assert workspace.fault(record | {"id": "r-2"}, beside=sound)["reason"] == reason


def _task(*results, data=None, **annotation):
    shown = {"prompt": "Name a colour.", "answer1": "Blue.", "answer2": "Seven."}
    person = {"id": 9, "completed_by": 3, "was_cancelled": False, "created_at": "2025-03-03T08:00:00.123456Z"}
    annotations = [person | {"result": list(results)} | annotation]
    return {
        "id": 17, "data": data or shown, "annotations": annotations, "predictions": [], "drafts": [],
        "created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-03-04T00:00:00Z", "project": 2,
    }  # fmt: skip


@pytest.mark.parametrize(("gold", "label"), [("left", 1.0), (" Right", 0.0), ("tie", 0.5)])
def test_label_studio_gold_and_time(workspace, gold, label):
    shown = {"prompt": "Name a colour.", "answer1": "Blue.", "answer2": "Seven.", "gold": gold}
    row = _export(workspace, _task(_selected("left"), data=shown, lead_time=2.5))
    assert (row["gold"], row["seconds"]) == (label, 2.5)


def _selected(side, to_name="answer1,answer2"):
    value = {"selected": side}
    return {
        "id": "z",
        "from_name": "pw",
        "to_name": to_name,
        "type": "pairwise",
        "value": value,
        "origin": "manual",
    }


STARS = {"id": "y", "from_name": "stars", "to_name": "t", "type": "rating", "value": {"rating": 4}}


@pytest.mark.parametrize(("side", "label"), [("left", 1.0), ("right", 0.0)])
def test_label_studio_comparisons(workspace, side, label):
    row = _export(workspace, _task(_selected(side), STARS))
    assert (row["kind"], row["source"], row["row_id"]) == ("pairwise", "label-studio", "17")
    assert (row["prompt"], row["responses"]) == ("Name a colour.", ["Blue.", "Seven."])
    moment = datetime(2025, 3, 3, 8, 0, 0, 123456, tzinfo=UTC)
    assert row["votes"] == [{"annotator": "3", "label": label, "at": moment}]
    assert (row["created_at"], json.loads(row["meta"])) == (None, {"data": {}, "project": 2})


def test_label_studio_left_is_what_the_comparison_names_first(workspace):
    row = _export(workspace, _task(_selected("left", to_name="answer2,answer1")))
    assert (row["responses"], row["votes"][0]["label"]) == (["Seven.", "Blue."], 1.0)
    other = _task(
        _selected("left", to_name="txt-1,txt-2"), completed_by={"id": 5, "email": "a@b.example"}
    ) | {"id": 18}
    row = workspace.only_row(other)
    assert (row["responses"], row["votes"][0]["annotator"]) == (["Blue.", "Seven."], "5")


def test_label_studio_ratings(workspace):
    data = {"prompt": "Name a colour.", "response": "Blue.", "scale": "0-4"}
    task = _task(STARS, data=data)
    task["annotations"].append(task["annotations"][0] | {"completed_by": 4, "was_cancelled": True})
    row = _export(workspace, task)
    assert (row["kind"], row["scale_min"], row["scale_max"]) == ("rating", 0.0, 4.0)
    assert [(vote["annotator"], vote["label"]) for vote in row["votes"]] == [("3", 4.0)]


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (_task(), "NO_VOTES"),
        (_task(_selected("left"), was_cancelled=True), "NO_VOTES"),
        (_task(_selected("up")), "RANGE"),
        (_task(STARS | {"value": {"rating": 9}}, data={"prompt": "p", "text": "t"}), "RANGE"),
        (_task(_selected("left"), data={"prompt": "p", "left": "a"}), "MISSING_COL"),
        (_task(_selected("left"), data={"answer1": "p", "answer2": "a"}), "MISSING_COL"),
        (_task(_selected("left"), created_at="2025-03-03T08:00:00"), "TZ"),
        (_task("left"), "TYPE"),
    ],
)
def test_label_studio_faults(workspace, task, reason):
    assert workspace.fault(task | {"id": 18}, beside=_task(_selected("left")))["reason"] == reason


def test_items_that_nobody_judged_do_not_spoil_a_batch(workspace):
    judged = [
        _argilla({"preference": [{"value": "tie", "user_id": f"u{n}"}]}) | {"id": f"r{n}"} for n in range(5)
    ]
    pending = [_argilla({}) | {"id": f"p{n}"} for n in range(95)]
    result = workspace.ingest(workspace.write("export.json", json.dumps([*pending, *judged])))
    assert (result.status, result.accepted, result.reasons) == ("accepted", 5, {"NO_VOTES": 95})
