"""`rlhf reconcile` as a person runs it, beside a real MLflow server that comes and goes."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from tracking.fake_workspace import BLOCKED, write_reports, write_workspace
from tracking.promotion_case import register_another
from tracking.rlhf_command import Command
from tracking.test_real_server import free_port, wait_until_up

from components.files import write_text
from components.tracking.registration import register_all
from components.tracking.tracker import connect

CANDIDATES = "reviews-candidate"


class Server:
    """MLflow on one port, which can be stopped and started again on the same database."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self):
        command = [sys.executable, "-m", "mlflow", "server", "--port", str(self.port), "--workers", "1"]
        command += [
            "--backend-store-uri",
            "sqlite:///server.db",
            "--artifacts-destination",
            str(self.folder / "store"),
        ]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        process = subprocess.Popen(command, cwd=self.folder, env=environment, **quiet)
        try:
            wait_until_up(self.url, process)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


@pytest.fixture
def workspace(tmp_path, models, monkeypatch):
    """Candidates 1 and 2 are READY, 3 is blocked."""
    monkeypatch.setenv("RLHF_AUTHOR", "trainer")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    server, root = Server(tmp_path), write_workspace(tmp_path / "root", models)
    write_text(root / "dvc.yaml", "stages: {}\n")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    return server, root


def register_three(root):
    tracker = connect(root)
    register_all(tracker)
    register_another(tracker, root, "candidate 2")
    write_reports(root, BLOCKED)
    register_all(tracker)
    return tracker


def approve(tracker, version, approver="ada"):
    tracker.client.set_model_version_tag(CANDIDATES, version, "approver", approver)
    tracker.client.set_registered_model_alias(CANDIDATES, "approved", version)


def test_requests_are_carried_out_once_and_while_it_watches(workspace, prefect_server):
    server, root = workspace
    variables = {"PREFECT_API_URL": prefect_server, "MLFLOW_TRACKING_URI": server.url}
    rlhf = Command(root, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0", **variables)
    with server.running():
        tracker = register_three(root)
        nothing = rlhf("reconcile")
        assert (nothing.returncode, nothing.out) == (0, "")
        approve(tracker, "3")
        refused = rlhf("reconcile")
        assert (refused.returncode, refused.out.startswith("candidate 3: refused: ")) == (4, True)
        watching = rlhf.start("reconcile", "--watch", "1", "--json")
        approve(tracker, "1")
        assert outcome(watching) == ("1", "ada", True, "1")
    told_away = next(line for line in watching.stderr if line.startswith("error: "))
    assert server.url.removeprefix("http://").split(":")[0] in told_away
    assert "MLFLOW_TRACKING_URI" in next(line for line in watching.stderr if line.startswith("remedy: "))
    with server.running():
        approve(tracker, "2", "grace")
        assert outcome(watching) == ("2", "grace", True, "2")
        watching.send_signal(signal.SIGTERM)
        out, _ = watching.communicate(timeout=60)
        assert (watching.returncode, out) == (0, "")
    assert rlhf.left_behind() == []


def outcome(watching):
    """The next line of a watching command."""
    line = watching.stdout.readline()
    assert line, watching.stderr.read()
    told = json.loads(line)
    assert told["reason"] == f"promoted as version {told['version']} of reviews"
    return told["candidate"], told["approver"], told["promoted"], told["version"]


@pytest.mark.parametrize("words", [["--watch", "0"], ["--watch", "soon"]])
def test_wrong_usage(clone, words):
    assert Command(clone)("reconcile", *words).returncode == 2
