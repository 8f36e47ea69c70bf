"""`rlhf up` for real: both servers, the deployments, the rules about dead runs; then `rlhf down`.

One cycle for the module, and the servers once more with logins. The tests go in the order of the file; two whole
cycles from nothing are measured by `python -m benchmarks.up`.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from feedback_files import write_pairs
from flows_waiting import wait_until
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.settings import PREFECT_API_URL, temporary_settings
from tracking.fake_workspace import PROJECT, write_dvc_workspace, write_workspace
from tracking.rlhf_command import Command
from up_workspace import assert_untold, status_of, take_free_ports

from components.config import load_params
from components.tracking.loading import load_version
from components.tracking.promotion import promote
from components.tracking.registration import register_all
from components.tracking.tracker import connect
from flows.environment import prepare_environment
from flows.server import prefect_api
from flows.up import zombies
from flows.up.finding import lasting_servers
from flows.up.orphans import marked
from flows.up.programs import MARK, MLFLOW, PREFECT, SERVE, programs
from flows.up.record import UP, read_record
from flows.up.watched import Watched

SECRETS = {
    "PREFECT_SERVER_API_AUTH_STRING": "ada:prefect-secret-1",
    "MLFLOW_AUTH_CONFIG_PATH": str(PROJECT / "deploy/mlflow-auth/basic_auth.ini"),
    "MLFLOW_AUTH_ADMIN_PASSWORD": "mlflow-secret-2",
    "MLFLOW_FLASK_SERVER_SECRET_KEY": "session-secret-3",
    "MLFLOW_TRACKING_USERNAME": "admin",
    "MLFLOW_TRACKING_PASSWORD": "mlflow-secret-2",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory, models, module_environment):
    """A workspace with a candidate that an embedded command registered before any server ran."""
    for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI"):
        module_environment.pop(name, None)
    module_environment["RLHF_AUTHOR"] = "trainer"
    root = write_dvc_workspace(tmp_path_factory.mktemp("up") / "clone", models)
    write_workspace(root, models)
    take_free_ports(root)
    register_all(connect(root))
    return root


@pytest.fixture(scope="module")
def rlhf(root):
    command = Command(root)
    yield command
    command("down")
    assert command.left_behind() == []


@pytest.fixture(scope="module")
def up(rlhf):
    return json.loads(output_of(rlhf, "up", "--json"))


def output_of(rlhf, *words):
    """What a command printed that went well, however long it took."""
    process = rlhf.start(*words)
    out, err = process.communicate(timeout=800)
    assert process.returncode == 0, err
    return out


def test_both_interfaces_answer_and_everything_is_there(up, root):
    assert set(up["programs"].values()) == {"up", "done"}
    assert (up["running"], up["already"]) == (True, False)
    for url, word in ((up["prefect"], b"Prefect"), (up["mlflow"], b"MLflow")):
        status, _, page = status_of(url)
        assert (status, word in page) == (200, True)
    assert status_of(f"{up['prefect']}/api/health")[0] == 200
    assert list((root / ".rlhf/up").glob("*.log"))


def test_a_second_one_says_that_it_runs_already_and_where(up, rlhf):
    again = rlhf("up", "--json")
    told = json.loads(again.out)
    assert (again.returncode, told["already"]) == (0, True)
    assert (told["prefect"], told["mlflow"], told["since"]) == (up["prefect"], up["mlflow"], up["since"])


def test_no_page_of_the_web_may_use_prefects_server(up):
    headers = status_of(f"{up['prefect']}/api/health", Origin="https://evil.example")[1]
    assert headers["Access-Control-Allow-Origin"] is None
    headers = status_of(f"{up['prefect']}/api/health", Origin=up["prefect"])[1]
    assert headers["Access-Control-Allow-Origin"] == up["prefect"]


def test_what_was_registered_before_is_served_and_promoted_over_http(up, root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", up["mlflow"])
    tracker = connect(root)
    assert register_all(tracker)["candidate"].created is False
    assert promote(tracker, "1", "reviewer").changed is True
    folder = load_version(tracker, "champion").folder
    assert (folder / "model.safetensors").read_bytes() == (
        root / "models/policy/model.safetensors"
    ).read_bytes()
    # The page shows the very files, and the embedded database knows the promotion.
    candidate = tracker.client.get_model_version("reviews-candidate", "1")
    page = f"{up['mlflow']}/model-versions/get-artifact?name=reviews-candidate&version=1&path=lineage.json"
    assert json.loads(status_of(page)[2])["parents"] == {"sft": "1", "reward": "1"}
    assert candidate.source.startswith("file:")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert load_version(connect(root), "champion").folder == folder


def test_other_commands_find_the_servers(up, root, rlhf, tmp_path):
    assert lasting_servers(root) == {
        "PREFECT_API_URL": f"{up['prefect']}/api",
        "MLFLOW_TRACKING_URI": up["mlflow"],
    }
    # Rows that were only made up.
    shutil.rmtree(root / "data/feedback")
    output_of(rlhf, "ingest", write_pairs(tmp_path / "more.jsonl"))
    with (
        temporary_settings({PREFECT_API_URL: f"{up['prefect']}/api"}),
        get_client(sync_client=True) as client,
    ):
        (flow,) = [each for each in client.read_flows() if each.name == "ingest"]
        assert [run.state.name for run in client.read_flow_runs() if run.flow_id == flow.id] == ["Completed"]
    # No embedded server was needed for it.
    assert not (root / ".rlhf/prefect/server.log").exists()


@pytest.fixture
def client(up):
    with (
        temporary_settings({PREFECT_API_URL: f"{up['prefect']}/api"}),
        get_client(sync_client=True) as client,
    ):
        yield client


def run_named(client, name):
    (run,) = client.read_flow_runs(flow_run_filter=FlowRunFilter(name=FlowRunFilterName(any_=[name])))
    return run


def start_flow(environment, *ways):
    command = [sys.executable, str(Path(__file__).with_name("zombie_flow.py")), *ways]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    return subprocess.Popen(command, env=environment, **pipes)


def test_a_killed_run_is_closed_and_a_suspended_or_ended_one_is_not(up, client):
    # As `rlhf up` installed them: once, and a second time changes nothing.
    wanted = zombies.rules(zombies.longest_silence(30))
    assert zombies.install(wanted) == 0
    assert zombies.install(zombies.rules(timedelta(seconds=10))) == 1
    environment = os.environ | {
        "PREFECT_API_URL": f"{up['prefect']}/api",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    }
    killed, others = start_flow(environment, "killed"), start_flow(environment, "named", "suspended")
    assert killed.stdout.readline() == others.stdout.readline() == "runs\n"
    killed.kill()
    for process in (killed, others):
        process.communicate(timeout=120)
    wait_until(lambda: run_named(client, "killed").state.name == "Crashed", seconds=500)
    assert "no sign of life for 10 s" in run_named(client, "killed").state.message
    # The server looks every five seconds: the others had their time too.
    time.sleep(6)
    assert run_named(client, "suspended").state.name == "Suspended"
    assert run_named(client, "named").state.name == "SkippedAllOfIt"
    assert zombies.install(wanted) == 1


def test_a_killed_server_is_missed_by_no_command_and_comes_back(up, root):
    process = read_record(root).programs["mlflow"].process
    os.killpg(process.pid, signal.SIGKILL)
    wait_until(lambda: "MLFLOW_TRACKING_URI" not in lasting_servers(root))
    assert load_version(connect(root), "candidate").version == "1"
    wait_until(lambda: lasting_servers(root).get("MLFLOW_TRACKING_URI") == up["mlflow"], seconds=500)
    again = read_record(root).programs["mlflow"]
    assert (again.state, again.restarts, again.process == process) == (UP, 1, False)


def test_a_command_waits_for_a_killed_prefect_server_and_starts_no_other(up, root, environment):
    process = read_record(root).programs[PREFECT].process
    os.killpg(process.pid, signal.SIGKILL)
    wait_until(lambda: "PREFECT_API_URL" not in lasting_servers(root))
    environment.pop("PREFECT_API_URL", None)
    with prefect_api(root, meanwhile=lambda: None):
        assert os.environ["PREFECT_API_URL"] == f"{up['prefect']}/api"
        assert Path(f"/proc/{process.pid}").exists() is False


def test_of_a_killed_supervisor_nothing_stays_and_down_twice_is_fine(up, root, rlhf):
    supervisor = psutil.Process(read_record(root).supervisor.pid)
    guardians = [each for each in supervisor.children() if MARK not in each.environ()]
    for each in guardians:
        each.suspend()
    supervisor.kill()
    for each in guardians:
        each.kill()
    told = json.loads(rlhf("doctor", "--json").out)
    assert any("nobody watches any more" in each["what"] for each in told["findings"])
    assert json.loads(rlhf("down", "--json").out)["ended"] >= 3
    assert rlhf.left_behind() == marked(root) == []
    again = rlhf("down")
    assert (again.returncode, again.out.splitlines()[0]) == (0, "nothing was running")


@pytest.fixture
def with_logins(root, environment):
    """Both servers, started as `rlhf up` starts them where logins are set."""
    environment |= SECRETS
    prepare_environment(root)
    wanted = {each.name: each for each in programs(root, load_params(root / "params.yaml"))}
    watched = [Watched(root, wanted[name]) for name in (PREFECT, MLFLOW)]

    def all_work():
        for each in watched:
            each.step(is_ready=True)
        return all(each.is_well for each in watched)

    wait_until(all_work, seconds=500)
    yield wanted
    for each in watched:
        each.stop()
    assert marked(root) == []


def test_with_logins_everybody_is_asked_for_them_and_nobody_is_told(with_logins, root):
    prefect = f"{with_logins[PREFECT].url}/api/admin/version"
    mlflow = f"{with_logins[MLFLOW].url}/api/2.0/mlflow/experiments/search?max_results=1"
    for url, login in ((prefect, "ada:prefect-secret-1"), (mlflow, "admin:mlflow-secret-2")):
        assert status_of(url)[0] == 401
        assert status_of(url, "ada:wrong")[0] == 401
        assert status_of(url, login)[0] == 200
    # So do the deployments know it.
    assert with_logins[SERVE].variables["PREFECT_API_AUTH_STRING"] == "ada:prefect-secret-1"
    assert (root / ".rlhf/basic_auth.db").stat().st_mode & 0o077 == 0
    assert_untold(root, ("prefect-secret-1", "mlflow-secret-2", "session-secret-3"))
