"""Which assessments are feedback, and what their names and values mean."""

import mlflow
import pytest
from mlflow.entities import AssessmentSource
from mlflow.genai.label_schemas import InputNumeric, create_label_schema
from tracking.talks import EXPERIMENT, PAIR, person, read, root, say, trace

from components.errors import FeedbackError

__all__ = ["root"]


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
