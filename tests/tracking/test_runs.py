import json
import subprocess
import sys

import mlflow
import pytest
import yaml
from tracking.fake_workspace import LOCK, METRICS

from components.errors import RegistryError
from components.files import sha256_bytes
from components.tracking.run_metrics import figures
from components.tracking.runs import record_stage
from components.tracking.tracker import connect


def runs(tracker):
    return tracker.client.search_runs([tracker.experiment])


def test_a_run_tells_what_the_stage_did(tracker):
    run = tracker.client.get_run(record_stage(tracker, "ppo", prefect_run="run-7"))
    assert (run.info.run_name, run.info.status) == ("ppo", "FINISHED")
    assert run.data.params == {"seed": "7", "ppo.kl_coef": "0.05", "ppo.deep.er": "1"}
    assert run.data.tags["dvc.models/policy"] == "3" * 32 + ".dir"
    assert (run.data.tags["prefect_run"], run.data.tags["git_commit"]) == ("run-7", "none")
    assert run.data.metrics == {"score": 0.5, "kl": 2.5, "final.score": 0.6, "final.by.source": 0.25}
    dataset = run.inputs.dataset_inputs[0].dataset
    assert (dataset.name, dataset.digest) == ("data/prepared", "9" * 32 + ".dir")


def test_metrics_keep_their_steps_and_a_blank_is_no_number(tracker):
    run = record_stage(tracker, "ppo")
    told = {
        name: [(m.step, m.value) for m in tracker.client.get_metric_history(run, name)]
        for name in ("score", "kl")
    }
    assert told == {"score": [(1, 0.1), (2, 0.5)], "kl": [(1, 0.0), (2, 1.5), (3, 2.5)]}


def test_more_steps_than_one_request_takes(tracker, root):
    rows = "".join(f"{step},{step * 2}\n" for step in range(1, 2346))
    (root / "reports/steps/sft.csv").write_text(f"step,loss\n{rows}")
    history = tracker.client.get_metric_history(record_stage(tracker, "sft"), "loss")
    assert len(history) == 2345
    assert max(history, key=lambda metric: metric.step).value == 4690


def test_the_evaluation_brings_its_report(tracker):
    run = record_stage(tracker, "evaluate")
    names = {item.path for item in tracker.client.list_artifacts(run, "report")}
    assert names == {"report/report.html", "report/gates.json", "report/metrics.json"}
    assert tracker.client.get_run(run).data.metrics["policy.win_rate_vs_sft"] == 0.71


def test_figures_are_numbers_only():
    assert dict(figures(METRICS)) == {
        "reward_model.accuracy": 0.81,
        "policy.win_rate_vs_sft": 0.71,
        "policy.sequence_kl": 6.1,
    }


def test_names_that_people_wrote_become_names_that_mlflow_takes(tracker, root):
    groups = {name: {"accuracy": 0.5} for name in ("ann@example.org", "a/../b", "Zoë (night)", "x" * 300)}
    (root / "reports/metrics.json").write_text(json.dumps({"reward_model": {"by_annotator": groups}}))
    found = tracker.client.get_run(record_stage(tracker, "evaluate")).data.metrics
    start = "reward_model.by_annotator."
    assert set(found) == {
        f"{start}ann_example.org.accuracy",
        f"{start}a_.._b.accuracy",
        f"{start}Zoë _night_.accuracy",
        start + "x" * (250 - len(start)),
    }


def test_names_that_become_the_same_stay_two_figures(tracker, root):
    sources = {"a b?": 0.25, "a b!": 0.75, "plain": 0.5, "y" * 300: 0.1, "y" * 301: 0.2}
    groups = {name: {"accuracy": value} for name, value in sources.items()}
    (root / "reports/metrics.json").write_text(json.dumps({"reward_model": {"by_source": groups}}))
    found = tracker.client.get_run(record_stage(tracker, "evaluate")).data.metrics
    assert sorted(found.values()) == [0.1, 0.2, 0.25, 0.5, 0.75]
    assert max(map(len, found)) == 250
    assert found["reward_model.by_source.plain.accuracy"] == 0.5
    mark = sha256_bytes(b"reward_model.by_source.a b?.accuracy")[:8]
    assert found[f"reward_model.by_source.a b_.accuracy-{mark}"] == 0.25


def test_recording_again_is_the_same_run_until_the_stage_runs_again(tracker, root):
    first = record_stage(tracker, "ppo")
    assert record_stage(tracker, "ppo") == first
    changed = LOCK | {"ppo": LOCK["ppo"] | {"cmd": "another"}}
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": changed}))
    assert record_stage(tracker, "ppo") != first


def test_a_half_written_run_is_replaced(tracker):
    finished = record_stage(tracker, "ppo")
    key = tracker.client.get_run(finished).data.tags["rlhf.key"]
    tracker.client.delete_run(finished)
    half = tracker.client.create_run(tracker.experiment, tags={"rlhf.key": key}).info.run_id
    again = record_stage(tracker, "ppo")
    assert again not in {finished, half}
    assert [run.info.run_id for run in runs(tracker)] == [again]


def test_a_stage_that_never_ran(tmp_path, tracker, root):
    (root / "dvc.lock").unlink()
    with pytest.raises(RegistryError, match="no stage has run yet"):
        record_stage(tracker, "ppo")


def test_an_unreachable_server_is_an_error_with_a_remedy(root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RegistryError) as caught:
        connect(root)
    assert "MLFLOW_TRACKING_URI" in caught.value.remedy


def test_two_processes_make_one_database(root):
    """Without the lock one of them crashes on tables that the other is making."""
    (root / ".rlhf/mlflow.db").unlink()
    (root / ".rlhf/mlflow.version").unlink()
    program = (
        "import sys, pathlib; from components.tracking.tracker import connect; "
        "print(connect(pathlib.Path(sys.argv[1])).experiment)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(root)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = {process.communicate()[0].strip() for process in started}
    assert told == {"1"}
    assert (root / ".rlhf/mlflow.version").read_text() == mlflow.__version__
