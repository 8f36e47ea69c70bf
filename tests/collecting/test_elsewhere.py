"""Pairs to Argilla and Label Studio, and what people said there back: the same ids, prompts and sides.

The tools themselves are not here: their exports are built from exactly what was written, field by field as their
documentation and their own code have it.
https://docs.argilla.io/latest/reference/argilla/records/records (to_json: Record.to_dict of each record)
https://labelstud.io/guide/task_format
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from collecting.collect_case import add, pairs

from components.choosing.tasks import INFORMATIVE
from components.errors import FeedbackError
from components.feedback.ingestion import ingest_file
from components.feedback.store import read_accepted
from flows.health.drift import is_fair

HOSTILE = {
    "id": "../../etc/passwd",
    "prompt": "<script>alert(1)</script> **bold** {7*7} $response_b &amp; ]]>",
    "response_a": "<View><Text name='x' value='$prompt'/></View>\n# Title\n![x](http://127.0.0.1/x.png)",
    "response_b": "http://127.0.0.1:9/steal?x=1",
}


@pytest.fixture
def known(root):
    """Three ordinary pairs, the last with gold and a language, and one whose texts want to be more than texts."""
    rows = pairs(3)
    rows[2] |= {"gold": "b", "language": "en"}
    assert add(root, [*rows, HOSTILE]).added == 4
    return [*rows, HOSTILE]


def _argilla_export(folder, answers):
    """What `dataset.records.to_json` writes of the records that were imported: Record.to_dict of each."""
    records = json.loads((folder / "records.json").read_text())
    for number, record in enumerate(records):
        record["responses"] = {
            "preference": [
                {"value": value, "user_id": f"00000000-0000-4000-8000-{user:012}"}
                for user, value in enumerate(answers[number])
            ]
        }
        record |= {"status": "completed", "_server_id": f"11111111-0000-4000-8000-{number:012}"}
    return records


def _label_studio_export(file, answers):
    """What "JSON" of Label Studio's export holds of the tasks that were imported."""
    tasks = json.loads(file.read_text())
    return [
        {
            "id": 900 + number,
            "annotations": [
                {
                    "id": 5000 + 10 * number + user,
                    "completed_by": user + 1,
                    "result": [_chosen(side, number)],
                    "was_cancelled": False,
                    "ground_truth": False,
                    "created_at": "2026-03-09T22:16:08.728353Z",
                    "updated_at": "2026-03-09T22:16:08.728378Z",
                    "lead_time": 4.288,
                    "prediction": {},
                    "result_count": 1,
                    "task": 900 + number,
                }
                for user, side in enumerate(answers[number])
            ],
            "file_upload": "pairs.json",
            "drafts": [],
            "predictions": [],
            "data": task["data"],
            "meta": {},
            "created_at": "2026-03-09T21:52:49.513742Z",
            "updated_at": "2026-03-09T22:16:08.746926Z",
            "project": 83,
        }
        for number, task in enumerate(tasks)
    ]


def _chosen(side, number):
    return {
        "value": {"selected": side},
        "id": f"r{number}",
        "from_name": "preference",
        "to_name": "response_a,response_b",
        "type": "pairwise",
        "origin": "manual",
    }


def _ingested(root, name, content):
    path = root / name
    path.write_text(json.dumps(content), encoding="utf-8")
    found = ingest_file(path, root / "data")
    assert found.status == "accepted", found.message
    assert not found.automatic
    return read_accepted(root / "data/feedback").sort("line")


def _sides(rows):
    return [(row["row_id"], row["prompt"], *row["responses"]) for row in rows.iter_rows(named=True)]


def _as_given(known):
    return [(row["id"], row["prompt"], row["response_a"], row["response_b"]) for row in known]


def test_argilla_and_back(rlhf, root, known):
    result = rlhf("to-argilla", "out", "--json")
    assert json.loads(result.stdout) == {"folder": "out", "pairs": 4}
    answers = [["response_a", "response_b"], ["tie"], ["response_b"], ["response_a"]]
    rows = _ingested(root, "back.json", _argilla_export(root / "out", answers))
    assert _sides(rows) == _as_given(known)
    assert [[vote["label"] for vote in votes] for votes in rows["votes"]] == [[1.0, 0.0], [0.5], [0.0], [1.0]]
    assert rows["gold"].to_list() == [None, None, 0.0, None]
    assert set(rows["source"]) == {"argilla"}


@pytest.mark.parametrize("tool", ["argilla", "label-studio"])
def test_why_a_pair_was_chosen_comes_back(rlhf, root, tool):
    """Those chosen for being hard are known by their ids, and tell nothing of production's reward model."""
    hard, chance, plain = pairs(3)
    hard["id"], chance["id"] = f"{INFORMATIVE}1", "next-random-2"
    add(root, [hard, chance, plain])
    if tool == "argilla":
        rlhf("to-argilla", "out")
        export = _argilla_export(root / "out", [["response_a"]] * 3)
    else:
        rlhf("to-label-studio", "out.json")
        export = _label_studio_export(root / "out.json", [["left"]] * 3)
    rows = _ingested(root, "back.json", export)
    assert rows["row_id"].to_list() == [f"{INFORMATIVE}1", "next-random-2", "pair-2"]
    assert rows.filter(is_fair())["row_id"].to_list() == ["next-random-2", "pair-2"]


def test_what_argilla_imports(rlhf, root, known):
    """As Settings.serialize and DatasetModel of its SDK (2.8.0) have it."""
    assert rlhf("to-argilla", "out").exit_code == 0
    settings = json.loads((root / "out/.argilla/settings.json").read_text())
    assert [field["name"] for field in settings["fields"]] == ["prompt", "response_a", "response_b"]
    assert {field["settings"]["use_markdown"] for field in settings["fields"]} == {False}
    (question,) = settings["questions"]
    assert (question["name"], question["type"]) == ("preference", "label_selection")
    assert [option["value"] for option in question["settings"]["options"]] == [
        "response_a",
        "response_b",
        "tie",
    ]
    # collect.votes of params.yaml.
    assert settings["distribution"] == {"strategy": "overlap", "min_submitted": 3}
    dataset = json.loads((root / "out/.argilla/dataset.json").read_text())
    assert (dataset["name"], dataset["status"]) == ("reviews", "draft")
    records = json.loads((root / "out/records.json").read_text())
    assert records[2]["metadata"] == {"language": "en", "gold": "response_b"}
    assert records[0]["metadata"] == {}
    assert set(records[0]) == {"id", "fields", "metadata", "suggestions", "responses", "vectors"}


def test_label_studio_and_back(rlhf, root, known):
    result = rlhf("to-label-studio", "out.json", "--json")
    assert json.loads(result.stdout)["pairs"] == 4
    answers = [["left", "right"], ["left"], ["right"], ["right"]]
    rows = _ingested(root, "back.json", _label_studio_export(root / "out.json", answers))
    assert _sides(rows) == _as_given(known)
    assert [[vote["label"] for vote in votes] for votes in rows["votes"]] == [[1.0, 0.0], [1.0], [0.0], [0.0]]
    assert rows["gold"].to_list() == [None, None, 0.0, None]
    assert rows["seconds"].to_list() == [None, 4.288, 4.288, 4.288]


def test_the_labelling_configuration_shows_the_fields_that_tasks_have(rlhf, root, known):
    """Text is a tag for plain text, and of its value no address is fetched."""
    assert rlhf("to-label-studio", "out.json").exit_code == 0
    view = ET.parse(root / "out.xml").getroot()  # noqa: S314 - our own
    shown = {text.get("name"): text.get("value") for text in view.iter("Text")}
    assert shown == {name: f"${name}" for name in ("prompt", "response_a", "response_b")}
    assert {text.get("valueType") for text in view.iter("Text")} == {"text"}
    (compared,) = view.iter("Pairwise")
    assert compared.get("toName") == "response_a,response_b"
    for task in json.loads((root / "out.json").read_text()):
        assert {"prompt", "response_a", "response_b", "rlhf_task"} <= set(task["data"])


def test_a_configuration_that_a_killed_call_left_is_in_nobodys_way_and_another_file_is(rlhf, root, known):
    assert rlhf("to-label-studio", "out.json").exit_code == 0
    (root / "out.json").unlink()
    assert rlhf("to-label-studio", "out.json").exit_code == 0
    (root / "out.json").unlink()
    (root / "out.xml").write_text("<View/>")
    assert rlhf("to-label-studio", "out.json").exit_code == 1
    assert (root / "out.xml").read_text() == "<View/>"


def test_texts_stand_nowhere_but_in_their_fields(rlhf, root, known):
    """Letter by letter, and no id is a path."""
    assert rlhf("to-label-studio", "out.json").exit_code == 0
    assert rlhf("to-argilla", "out").exit_code == 0
    assert "script" not in (root / "out.xml").read_text()
    (task,) = [each["data"] for each in json.loads((root / "out.json").read_text())][3:]
    (record,) = json.loads((root / "out/records.json").read_text())[3:]
    for name in ("prompt", "response_a", "response_b"):
        assert task[name] == record["fields"][name] == HOSTILE[name]
    files = sorted(
        path.relative_to(root / "out").as_posix() for path in (root / "out").rglob("*") if path.is_file()
    )
    assert files == [".argilla/dataset.json", ".argilla/settings.json", "records.json"]


@pytest.mark.parametrize(("command", "name"), [("to-argilla", "out"), ("to-label-studio", "out.json")])
def test_nothing_is_replaced_and_nothing_made_of_nothing(rlhf, root, command, name):
    result = rlhf(command, name)
    assert isinstance(result.exception, FeedbackError)
    assert "no pairs to judge" in str(result.exception)
    assert not (root / name).exists()
    add(root, pairs(1))
    (root / name).write_text("kept")
    assert isinstance(rlhf(command, name).exception, FeedbackError)
    assert (root / name).read_text() == "kept"


def test_a_configuration_that_is_there_is_not_replaced(rlhf, root):
    add(root, pairs(1))
    (root / "out.xml").write_text("kept")
    assert isinstance(rlhf("to-label-studio", "out.json").exception, FeedbackError)
    assert not (root / "out.json").exists()
    assert rlhf("to-label-studio", "out.txt").exit_code == 2
