"""Feedback on traces in a real MLflow database, up to accepted rows."""

import json
import shutil

import mlflow
import pytest
from mlflow.entities import AssessmentSource
from mlflow.genai.label_schemas import InputNumeric, create_label_schema
from tracking.test_real_server import server

from components.errors import FeedbackError
from components.feedback.ingestion import ingest_file
from components.feedback.sources.address import parse_address
from components.feedback.sources.spool import spool
from components.feedback.store import read_accepted
from components.tracking.feedback_traces import fetch

__all__ = ["server"]

EXPERIMENT = "phone reviews"
PAIR = {"response_a": "It is loud.", "response_b": "It is quiet."}


@pytest.fixture
def root(tmp_path, database, monkeypatch):
    (tmp_path / ".rlhf").mkdir()
    shutil.copy(database, tmp_path / ".rlhf/mlflow.db")
    (tmp_path / ".rlhf/mlflow.version").write_text(mlflow.__version__)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    # A trace is there when its block has ended.
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/.rlhf/mlflow.db")
    mlflow.create_experiment(EXPERIMENT, artifact_location=(tmp_path / "artifacts").as_uri())
    mlflow.set_experiment(EXPERIMENT)
    return tmp_path


def trace(inputs, outputs):
    """A trace in the experiment; its id."""
    with mlflow.start_span("answer") as span:
        span.set_inputs(inputs)
        span.set_outputs(outputs)
    return span.trace_id


def person(name):
    return AssessmentSource(source_type="HUMAN", source_id=name)


def say(trace_id, name, value, who="ada", **more):
    return mlflow.log_feedback(trace_id=trace_id, name=name, value=value, source=person(who), **more)


def read(root, query=""):
    """The rows by kind, and the notes."""
    with spool(root) as folder:
        found = fetch(root, parse_address(f"mlflow://{EXPERIMENT}{query}"), folder)
        rows = {
            file.format: [json.loads(line) for line in file.path.read_text().splitlines()]
            for file in found.deliveries
        }
    return rows, found.notes


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


def test_programs_are_no_people(root):
    one = trace("Is it loud?", "A little.")
    judge = AssessmentSource(source_type="LLM_JUDGE", source_id="a-model")
    mlflow.log_feedback(trace_id=one, name="helpful", value=True, source=judge)
    mlflow.log_feedback(trace_id=one, name="helpful", value=True)
    rows, notes = read(root)
    assert rows == {}
    (note,) = notes
    assert "2 left out: a program judged, not a person" in note
    assert note.endswith("add ?sources=human,judge,code to take these too")
    rows, notes = read(root, "?sources=judge")
    assert [(row["annotator"], row["source"]) for row in rows["thumbs"]] == [("a-model", "mlflow-judge")]
    with pytest.raises(FeedbackError, match="names the source 'robots'"):
        read(root, "?sources=robots")


def test_a_name_that_does_not_speak_for_itself_is_asked_about(root):
    one = trace("Is it loud?", "A little.")
    say(one, "hallucinated", True)
    say(one, "not_helpful", True)
    say(one, "thumbs_down", True, who="ben")
    rows, notes = read(root)
    assert [(row["annotator"], row["thumbs_up"]) for row in rows["thumbs"]] == [("ben", False)]
    assert sorted(note.split("left out: ")[1].split(" (")[0] for note in notes) == [
        "nothing says what 'hallucinated' means",
        "nothing says what 'not_helpful' means",
    ]
    rows, notes = read(root, "?bad=hallucinated,not_helpful")
    assert [(row["name"], row["thumbs_up"]) for row in rows["thumbs"]] == [
        ("hallucinated", False),
        ("not_helpful", False),
    ]
    assert len(notes) == 1


def test_a_rating_reaches_as_far_as_its_schema_says(root):
    one = trace("Is it loud?", "A little.")
    say(one, "quality", 0.75)
    rows, notes = read(root)
    assert rows == {}
    assert "nothing says how far a rating reaches" in notes[0]
    assert read(root, "?scale=0-1")[0]["rating"][0]["scale"] == "0-1"
    experiment = mlflow.get_experiment_by_name(EXPERIMENT).experiment_id
    schema = {
        "type": "feedback",
        "input": InputNumeric(min_value=0, max_value=1),
        "experiment_id": experiment,
    }
    create_label_schema("quality", **schema)
    assert read(root)[0]["rating"][0]["scale"] == "0-1"


def test_what_does_not_fit_is_told(root):
    pair, odd = trace("Which?", PAIR), trace({"a": 1, "b": 2}, "A little.")
    say(pair, "helpful", True)
    say(odd, "helpful", True)
    say(trace("Is it loud?", "A little."), "preferred", "a")
    say(odd, "quality", ["good", "short"])
    mlflow.log_expectation(trace_id=odd, name="expected_facts", value=["loud"], source=person("ada"))
    mlflow.log_feedback(trace_id=odd, name="helpful", value=None, error=ValueError("x"), source=person("eve"))
    rows, notes = read(root)
    assert rows == {}
    reasons = sorted(note.split("1 left out: ")[1].split(" (")[0] for note in notes)
    assert reasons == [
        "it has no value",
        "nothing says what 'expected_facts' means",
        "the trace's inputs are no text and no chat",
        "the trace's outputs are not one response",
        "the trace's outputs are not two responses",
        "the value of 'quality' is no thumb and no number",
    ]


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
