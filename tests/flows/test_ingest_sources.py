"""`rlhf ingest` of what is not a file at hand."""

import json

import mlflow
from datasets import Dataset
from feedback_files import write_pairs
from mlflow.entities import AssessmentSource

from components.tracking.tracker import embedded_uri


def test_files_folders_and_mlflow_in_one_command(rlhf_here, clone, tmp_path):
    pairs = write_pairs(tmp_path / "week-1.jsonl", topic="camera")
    rows = [json.loads(line) for line in write_pairs(tmp_path / "more.jsonl").read_text().splitlines()]
    Dataset.from_list(rows).save_to_disk(tmp_path / "week-2")
    mlflow.set_tracking_uri(embedded_uri(clone))
    (clone / ".rlhf").mkdir(exist_ok=True)
    mlflow.create_experiment("talks", artifact_location=(tmp_path / "artifacts").as_uri())
    mlflow.set_experiment("talks")
    with mlflow.start_span("answer") as span:
        span.set_inputs("Is it loud?")
        span.set_outputs("A little.")
    mlflow.flush_trace_async_logging()
    ada = AssessmentSource(source_type="HUMAN", source_id="ada")
    for name in ("helpful", "sarcastic"):
        mlflow.log_feedback(trace_id=span.trace_id, name=name, value=True, source=ada)

    status, out, err = rlhf_here("ingest", pairs, tmp_path / "week-2", "mlflow://talks", "--json")
    assert status == 0, err
    results = [json.loads(line) for line in out.splitlines()]
    assert [(result["file"], result["status"], result["accepted"]) for result in results] == [
        (str(pairs), "accepted", 6),
        ("hf://week-2/data.jsonl", "accepted", 6),
        ("mlflow://talks/thumbs.jsonl", "accepted", 1),
    ]
    assert "nothing says what 'sarcastic' means" in " ".join(err.split())
    assert sorted(path.name for path in (clone / ".rlhf/spool").iterdir()) == ["lock"]

    status, out, err = rlhf_here("ingest", "mlflow://talks?good=sarcastic&filter=tags.x%3D'y'")
    assert (status, "nobody has given feedback yet" in err) == (0, True)
    status, _, err = rlhf_here("ingest", "mlflow://nothing")
    assert (status, "MLflow has no experiment 'nothing'; it has talks" in err) == (1, True)


def test_addresses_that_cannot_be_are_wrong_usage(embedded_rlhf):
    for words in (["s3://bucket/x.jsonl"], ["hf://x?speed=1"], ["mlflow://"], ["params.yaml", "not-there"]):
        done = embedded_rlhf("ingest", *words)
        assert (done.returncode, done.out) == (2, "")
        assert "SOURCE" in done.err
