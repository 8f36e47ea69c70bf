"""The flows in one workspace, in the order of the loop, against Prefect's test server."""

import json
import re
import subprocess

import pytest
from feedback_files import write_pairs
from prefect import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
)
from tracking.fake_workspace import write_dvc_workspace
from tracking.test_real_server import free_port

from components.errors import BusyError, DataError, StageFailedError
from components.evaluation.stars import Stars
from components.tracking.loading import load_version
from components.tracking.production import UNKNOWN
from components.tracking.tracker import connect
from components.tracking.versions import all_versions, champion_of
from flows.commands.generate import answers_of
from flows.dvc import remote_state
from flows.environment import prepare_environment
from flows.ingest import ingest
from flows.ledger import ledger, read_ledger
from flows.locks import retraining
from flows.news.log_file import FILE, read_entries
from flows.promote import promote, rollback
from flows.retrain import hold_against_champion, retrain

STAGES = ["prepare", "sft", "reward_model", "ppo", "evaluate"]


@pytest.fixture(scope="module")
def root(tmp_path_factory, models, prefect_server, module_environment):
    module_environment.pop("MLFLOW_TRACKING_URI", None)
    module_environment["RLHF_AUTHOR"] = "trainer"
    folder = write_dvc_workspace(tmp_path_factory.mktemp("flows") / "clone", models)
    prepare_environment(folder)
    return folder


def runs_of(flow_name):
    """Newest first; the server may know of runs to come, which another module's deployments have planned."""
    with get_client(sync_client=True) as client:
        names = {flow.id: flow.name for flow in client.read_flows()}
        runs = client.read_flow_runs(sort="START_TIME_DESC")
    return [run for run in runs if run.start_time and names[run.flow_id] == flow_name]


def artifacts(key, flow_name):
    """What artifacts of this key hold, of the flow's newest run."""
    run = runs_of(flow_name)[0].id
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
        )
    return [artifact.data for artifact in found if artifact.key == key]


def log_of(run):
    with get_client(sync_client=True) as client:
        wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
        return [log.message for log in client.read_logs(log_filter=wanted)]


def test_nothing_to_learn_from(root):
    with pytest.raises(DataError, match="no feedback"):
        retrain(root)


def test_files_come_in_and_a_bad_one_harms_no_other(root, tmp_path):
    good = write_pairs(tmp_path / "week-1.jsonl", broken=1)
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(b"\xff\xfe\x00")
    results = ingest(root, [bad, good])
    assert [(r.status, r.read, r.accepted, r.quarantined) for r in results] == [
        ("rejected", 0, 0, 0),
        ("accepted", 7, 6, 1),
    ]
    assert (root / "data/feedback.dvc").exists()
    assert list((root / ".rlhf/dvc-remote").rglob("*.dir"))
    (rows,) = artifacts("feedback-batches", "ingest")
    assert [row["status"] for row in json.loads(rows)] == ["rejected", "accepted"]
    log = subprocess.run(
        ["git", "log", "--oneline"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    assert len(log.splitlines()) == 1


def test_the_same_file_again_changes_nothing(root, tmp_path):
    before = (root / "data/feedback.dvc").read_bytes()
    (again,) = ingest(root, [write_pairs(tmp_path / "renamed.jsonl", broken=1)])
    assert again.status == "already_ingested"
    assert (root / "data/feedback.dvc").read_bytes() == before


def test_a_retraining_runs_records_and_registers(root):
    summary = retrain(root)
    assert [(stage["stage"], stage["status"]) for stage in summary["stages"]] == [
        (name, "ran") for name in STAGES
    ]
    assert summary["versions"]["candidate"] == {"name": "reviews-candidate", "version": "1", "created": True}
    assert (summary["verdict"], summary["reasons"]) == ("READY", [])
    tracker = connect(root)
    recorded = tracker.client.search_runs([tracker.experiment])
    assert {run.data.tags["rlhf.stage"] for run in recorded} == set(STAGES)
    assert {run.data.tags["prefect_run"] for run in recorded} == {summary["prefect_run"]}
    assert str(runs_of("retrain")[0].id) == summary["prefect_run"]
    (version,) = all_versions(tracker, "reviews-candidate")
    (batch,) = [folder.name for folder in (root / "data/feedback").iterdir()]
    assert version.tags["feedback_batches"] == batch


def test_the_run_page_tells_what_happened(root):
    assert artifacts("reward-model-progress", "retrain") == [100.0]
    (page,) = artifacts("retraining", "retrain")
    assert "# Candidate 1: READY" in page
    assert "| kl | True |" in page
    assert "| reviews-candidate | 1 | yes |" in page.replace("\\", "")
    assert "[ppo] 2/3 loss=0.500" in log_of(runs_of("retrain")[0])


def test_the_second_retraining_skips_everything(root):
    with ledger(root) as known:
        known.at_work = "a run that was killed"
    summary = retrain(root)
    assert read_ledger(root).at_work == "", "whatever that run began is finished"
    assert {stage["status"] for stage in summary["stages"]} == {"up to date"}
    state = runs_of("retrain")[0].state
    assert (state.name, state.message) == (
        "Unchanged",
        "nothing is new: reviews-candidate version 1 is READY",
    )
    assert [entry["kind"] for entry in read_entries(root / FILE)].count("candidate_ready") == 1
    assert [version["created"] for version in summary["versions"].values()] == [False, False, False]
    tracker = connect(root)
    assert len(tracker.client.search_runs([tracker.experiment])) == len(STAGES)


def set_iterations(root, count):
    """Of PPO, in the workspace's parameters."""
    params = root / "params.yaml"
    text, changes = re.subn(r"\biterations: \d+", f"iterations: {count}", params.read_text())
    assert changes == 1
    params.write_text(text)


def test_a_changed_parameter_runs_its_stages_and_no_other(root):
    set_iterations(root, 1001)
    summary = retrain(root)
    statuses = {stage["stage"]: stage["status"] for stage in summary["stages"]}
    # The stand-in for ppo writes what it wrote before: nothing after it has to run.
    assert statuses == dict.fromkeys(STAGES, "up to date") | {"ppo": "ran"}
    assert summary["versions"]["candidate"]["created"] is False


def test_a_failed_stage_ends_the_run_with_its_reason(root):
    set_iterations(root, 1002)
    (root / "fail-ppo").touch()
    with pytest.raises(StageFailedError, match="stage ppo failed: the loss is not a number"):
        retrain(root)
    run = runs_of("retrain")[0]
    assert (run.state.type.value, run.state.name) == ("FAILED", "Failed")
    assert run.state.message == "stage ppo failed: the loss is not a number. Remedy: lower the learning rate"
    (root / "fail-ppo").unlink()
    set_iterations(root, 1001)


def test_one_retraining_at_a_time(root):
    with retraining(root), pytest.raises(BusyError, match="a retraining is running"):
        retrain(root)


def test_promotion_and_rollback_are_runs_too(root):
    assert promote(root, "1", "reviewer").changed is True
    assert champion_of(connect(root)) == "1"
    assert runs_of("promote")[0].state.type.value == "COMPLETED"
    assert rollback(root, "1", "chief").changed is False


def test_without_mlflow_a_candidate_is_not_taken_for_the_first(root, monkeypatch):
    with monkeypatch.context() as away:
        away.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
        away.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        hold_against_champion(root)
    assert (root / UNKNOWN).exists()
    hold_against_champion(root)
    assert not (root / UNKNOWN).exists()


def test_the_champion_answers_with_score_and_stars(root):
    champion = load_version(connect(root), "champion")
    answers = answers_of(root, champion, "the battery", 3, seed=5)
    assert answers == answers_of(root, champion, "the battery", 3, seed=5)
    assert answers != answers_of(root, champion, "the battery", 3, seed=6)
    scores = [answer["score"] for answer in answers]
    assert scores == sorted(scores, reverse=True)
    stars = Stars.read(champion.reward / "stars.json")
    assert [answer["stars"] for answer in answers] == [stars.text(score) for score in scores]
    (champion.reward / "stars.json").unlink()
    assert [answer["stars"] for answer in answers_of(root, champion, "the battery", 1, seed=5)] == [None]


def test_a_remote_that_is_away_is_a_warning(root, tmp_path, capsys):
    remote = root / ".rlhf/dvc-remote"
    remote.rename(root / ".rlhf/away")
    remote.write_text("not a folder")
    (result,) = ingest(root, [write_pairs(tmp_path / "week-2.jsonl", topic="camera")])
    assert result.status == "accepted"
    assert "the DVC remote did not take it" in " ".join(capsys.readouterr().err.split())
    remote.unlink()
    (root / ".rlhf/away").rename(remote)
    before = len(list(remote.rglob("*.dir")))
    ingest(root, [tmp_path / "week-2.jsonl"])
    assert len(list(remote.rglob("*.dir"))) == before + 1


def test_without_a_remote_nothing_is_missed(root, tmp_path, capsys):
    (root / ".dvc/config").write_text("[core]\n    analytics = false\n")
    (result,) = ingest(root, [write_pairs(tmp_path / "week-3.jsonl", topic="speaker")])
    assert result.status == "accepted"
    assert "warning" not in capsys.readouterr().err
    assert remote_state(root) == {"remote": None, "missing": 0}
