"""Traces in a real MLflow database, and what people said of them."""

import json
import shutil

import mlflow
import pytest
from mlflow.entities import AssessmentSource

from components.feedback.sources.address import parse_address
from components.feedback.sources.spool import spool
from components.tracking.feedback_traces import fetch

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
