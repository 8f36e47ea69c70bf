"""Feedback on traces in a real MLflow database, up to accepted rows."""

import json

import mlflow
import pytest
from tracking.talks import EXPERIMENT, PAIR, person, read, root, say, trace
from tracking.test_real_server import server

from components.errors import FeedbackError
from components.feedback.ingestion import ingest_file
from components.feedback.sources.address import parse_address
from components.feedback.sources.spool import spool
from components.feedback.store import read_accepted
from components.tracking.feedback_traces import fetch

__all__ = ["root", "server"]


def ingest(root):
    """Ingests what the experiment holds; the results by kind."""
    with spool(root) as folder:
        found = fetch(root, parse_address(f"mlflow://{EXPERIMENT}"), folder)
        return {
            file.format: ingest_file(file.path, root / "data", file.format, shown=file.shown)
            for file in found.deliveries
        }


def test_each_kind_becomes_a_record_of_its_format(root):
    one, two = trace("Is it loud?", "A little."), trace({"question": "Which?"}, PAIR)
    thumb = say(one, "thumbs_up", True, rationale="to the point", metadata={"page": "3", "seconds": "4.5"})
    say(one, "rating", 4, who="ben", metadata={"scale": "1-5"})
    say(two, "preferred", "b", metadata={"strength": "0.5"})
    say(one, "correction", "A little, at night.")
    mlflow.log_expectation(trace_id=one, name="expected_response", value="Yes.", source=person("cora"))
    rows, notes = read(root)
    assert notes == []
    assert list(rows) == ["pairwise", "rating", "thumbs", "edit", "demonstration"]
    (row,) = rows["thumbs"]
    assert row.pop("created_at").endswith("+00:00")
    assert row == {
        "id": thumb.assessment_id,
        "prompt": "Is it loud?",
        "response": "A little.",
        "thumbs_up": True,
        "annotator": "ada",
        "source": "mlflow",
        "seconds": 4.5,
        "name": "thumbs_up",
        "trace": one,
        "rationale": "to the point",
        "metadata": {"page": "3"},
    }
    (row,) = rows["rating"]
    assert (row["rating"], row["scale"], row["annotator"]) == (4, "1-5", "ben")
    (row,) = rows["pairwise"]
    assert (row["response_a"], row["response_b"], row["preferred"]) == ("It is loud.", "It is quiet.", "b")
    assert row["strength"] == 0.5
    (row,) = rows["edit"]
    assert (row["response"], row["edited_response"]) == ("A little.", "A little, at night.")
    (row,) = rows["demonstration"]
    assert (row["response"], row["annotator"]) == ("Yes.", "cora")


def test_what_people_said_is_accepted_once_and_what_is_new_later_is_a_new_batch(root):
    ids = [trace(f"Is phone {number} loud?", "A little.") for number in range(3)]
    for trace_id in ids:
        say(trace_id, "helpful", True)
    first = ingest(root)["thumbs"]
    assert (first.status, first.accepted) == ("accepted", 3)
    assert first.file == "mlflow://phone reviews/thumbs.jsonl"
    assert first.batch.startswith("mlflow-phone-reviews-thumbs-")
    assert ingest(root)["thumbs"].status == "already_ingested"
    say(trace("Is phone 4 loud?", "No."), "helpful", False)
    # In the middle of the file, because it is about an earlier trace.
    say(ids[0], "helpful", False, who="ben")
    second = ingest(root)["thumbs"]
    assert (second.status, second.accepted, second.duplicates) == ("accepted", 2, 3)
    accepted = read_accepted(root / "data/feedback")
    assert sorted(vote[0]["label"] for vote in accepted["votes"]) == [0.0, 0.0, 1.0, 1.0, 1.0]


def test_a_judgement_that_was_changed_after_it_came_in_is_refused_with_what_to_do(root):
    """The dataset keeps what it has: which of the two holds is for a person to say."""
    ids = [trace(f"Is phone {number} loud?", "A little.") for number in range(3)]
    said = [say(each, "helpful", True) for each in ids]
    first = ingest(root)["thumbs"]
    assert (first.status, first.accepted) == ("accepted", 3)
    said[1].value = False
    mlflow.update_assessment(trace_id=ids[1], assessment_id=said[1].assessment_id, assessment=said[1])
    second = ingest(root)["thumbs"]
    assert (second.status, second.accepted, second.duplicates) == ("accepted", 0, 2)
    assert second.reasons == {"ID_CONFLICT": 1}
    path = root / "data/quarantine" / second.batch / "rows.jsonl"
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    (entry,) = [each for each in entries if each["reason"] == "ID_CONFLICT"]
    assert (entry["line"], entry["field"]) == (2, "id")
    assert json.loads(entry["raw"])["thumbs_up"] is False
    # Where, what, which judgement it is at odds with, and what to do.
    assert entry["message"] == (
        "mlflow://phone reviews/thumbs.jsonl line 2: id: "
        f"was given to another judgement, line 2 of batch {first.batch}; "
        "give the judgement an id of its own, or withdraw the one that it corrects "
        "(`rlhf feedback withdraw BATCH --line N`) and bring this file again (`rlhf feedback retry`)"
    )
    labels = read_accepted(root / "data/feedback").sort("line")["votes"]
    assert [votes[0]["label"] for votes in labels] == [1.0, 1.0, 1.0]
    assert ingest(root)["thumbs"].status == "already_ingested"


def test_the_newest_valid_judgement_of_a_person_counts(root):
    one = trace("Is it loud?", "A little.")
    first = say(one, "helpful", True)
    mlflow.override_feedback(
        trace_id=one, assessment_id=first.assessment_id, value=False, source=person("ada")
    )
    say(one, "helpful", True, who="ben")
    say(one, "helpful", False, who="ben")
    # Of people without a name, two may have spoken.
    say(one, "helpful", True, who="default")
    say(one, "helpful", True, who="default")
    rows, notes = read(root)
    said = [(row["annotator"], row["thumbs_up"]) for row in rows["thumbs"]]
    assert sorted(said, key=str) == [("ada", False), ("ben", False), (None, True), (None, True)]
    assert [note.split(" (")[0] for note in notes] == [
        "mlflow://phone reviews: 1 left out: somebody overrode it",
        "mlflow://phone reviews: 1 left out: the same person judged again later",
    ]


def test_a_judgement_that_was_changed_in_place_is_the_changed_one(root):
    one = trace("Is it loud?", "A little.")
    said = say(one, "helpful", True)
    said.value = False
    mlflow.update_assessment(trace_id=one, assessment_id=said.assessment_id, assessment=said)
    (row,) = read(root)[0]["thumbs"]
    assert (row["id"], row["thumbs_up"]) == (said.assessment_id, False)


def test_one_step_of_a_trace_can_be_judged(root):
    with mlflow.start_span("agent") as agent:
        agent.set_inputs("Plan and answer: is it loud?")
        with mlflow.start_span("answer") as step:
            step.set_inputs({"question": "Is it loud?"})
            step.set_outputs("A little.")
        agent.set_outputs("Done.")
    say(agent.trace_id, "helpful", True, span_id=step.span_id)
    say(agent.trace_id, "helpful", False)
    rows = read(root)[0]["thumbs"]
    assert [(row["prompt"], row["response"], row["thumbs_up"]) for row in rows] == [
        ("Is it loud?", "A little.", True),
        ("Plan and answer: is it loud?", "Done.", False),
    ]


def test_many_pages_and_a_filter(root, monkeypatch):
    monkeypatch.setattr("components.tracking.feedback_traces._PAGE", 2)
    for number in range(5):
        one = trace(f"Is phone {number} loud?", "A little.")
        mlflow.set_trace_tag(one, "release", f"v{number % 2}")
        say(one, "helpful", True)
    prompts = [row["prompt"] for row in read(root)[0]["thumbs"]]
    assert prompts == [f"Is phone {number} loud?" for number in range(5)]
    rows, _ = read(root, "?filter=tags.release%20%3D%20'v1'")
    assert [row["prompt"] for row in rows["thumbs"]] == ["Is phone 1 loud?", "Is phone 3 loud?"]


def test_hostile_text_costs_its_row_and_no_other(root):
    say(trace("Is it loud?", "one\x1b[2J"), "helpful", True)
    say(trace("Is it\nloud?\u2028{}", 'A "little".\r\n'), "helpful", True)
    say(trace("Is it loud?", "\u202eevil"), "helpful", True)
    result = ingest(root)["thumbs"]
    assert (result.read, result.accepted, result.quarantined) == (3, 1, 2)


def test_an_experiment_that_is_not_there(root):
    with pytest.raises(FeedbackError, match="no experiment 'nothing'; it has phone reviews"):
        fetch(root, parse_address("mlflow://nothing"), root)
    number = mlflow.get_experiment_by_name(EXPERIMENT).experiment_id
    assert fetch(root, parse_address(f"mlflow://{number}"), root).deliveries == []


def test_a_server_tells_the_same_bytes_as_its_database(root, server, monkeypatch):
    """The database that the server of this test serves is filled through it, and then read by itself."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    mlflow.set_tracking_uri(server)
    mlflow.create_experiment("far", artifact_location=(root / "far").as_uri())
    mlflow.set_experiment("far")
    one, two = (
        trace({"messages": [{"role": "user", "content": "Is it loud?"}]}, "A little."),
        trace("Which?", PAIR),
    )
    say(one, "helpful", True, rationale="to the point", metadata={"seconds": "3"})
    say(one, "rating", 4, who="ben", metadata={"scale": "1-5"})
    say(one, "rating", 3.5, metadata={"scale": "1-5"})
    say(two, "preferred", "a")
    overridden = say(two, "preferred", "b", who="ben")
    mlflow.override_feedback(
        trace_id=two, assessment_id=overridden.assessment_id, value="tie", source=person("ben")
    )
    mlflow.log_expectation(trace_id=one, name="expected_response", value="Yes.", source=person("cora"))
    contents = []
    for uri in (server, f"sqlite:///{root}/server.db"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        with spool(root) as folder:
            found = fetch(root, parse_address("mlflow://far"), folder)
            contents.append({file.format: file.path.read_bytes() for file in found.deliveries})
            assert len(found.notes) == 1
    assert [len(content.splitlines()) for content in contents[0].values()] == [2, 2, 1, 1]
    assert contents[0] == contents[1]
