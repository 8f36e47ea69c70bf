"""A stage is watched while servers die, hang and refuse: in the end its run has each step once."""

import http.server
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager, suppress

import pytest
from prefect import flow, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from tracking.conftest import database, root
from tracking.test_real_server import free_port

from components.live import live_steps
from components.locks import exclusive
from components.progress import Progress
from components.stages.step_log import as_csv
from components.tracking import live
from components.tracking.attempts import newest
from components.tracking.runs import record_stage
from components.tracking.tracker import Tracker, connect
from flows import watching as module
from flows.artifacts import link_to_run
from flows.watching import deliver_earlier, keeping_steps, watching

__all__ = ["database", "root"]


@pytest.fixture
def quick(monkeypatch):
    """Looks more often than people would want it."""
    for name, seconds in {"EVERY_S": 0.2, "SAMPLE_S": 0.2, "LONGEST_PAUSE_S": 0.5, "LAST_S": 30.0}.items():
        monkeypatch.setattr(module, name, seconds)
    monkeypatch.setitem(module._IMPATIENT, "MLFLOW_HTTP_REQUEST_TIMEOUT", "2")


def until(true, seconds=400):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextmanager
def server(port, folder):
    """A real one, killed at the end."""
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/server.db",
        "--artifacts-destination",
        str(folder),
    ]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = (folder / "server.log").open("a")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        until(lambda: answers(port))
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def answers(port):
    try:
        return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close() is None)
    except OSError:
        return False


def listening(port, handler, found):
    with suppress(OSError):
        found.append(http.server.ThreadingHTTPServer(("127.0.0.1", port), handler))
    return found


@contextmanager
def refusing(port):
    """Answers 500 to whatever it is asked."""
    asked = threading.Event()

    class Refuse(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.set()
            self.send_error(500)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_):
            pass

    found = []
    # The one that was killed may still hold the port for a moment.
    until(lambda: listening(port, Refuse, found))
    with found[0] as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield asked
        listener.shutdown()


def row(number):
    return {"step": number, "score": number / 8, "kl": number / 16}


def write_csv(root, last):
    (root / "reports/steps/ppo.csv").write_text(as_csv([row(number) for number in range(1, last + 1)]))


def told(tracker, run):
    """Steps and values of the stage's own figures."""
    return {
        name: [(each.step, each.value) for each in tracker.client.get_metric_history(run, name)]
        for name in ("score", "kl")
    }


def expected(last):
    return {
        "score": [(number, number / 8) for number in range(1, last + 1)],
        "kl": [(number, number / 16) for number in range(1, last + 1)],
    }


def test_a_server_that_hangs_dies_and_refuses_while_a_stage_runs(
    root, quick, database, tmp_path, monkeypatch
):
    """Five steps each while it answers, hangs, is gone, answers 500, and is back."""
    port, said, linked = free_port(), [], []
    (tmp_path / "server.db").write_bytes(database.read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    monkeypatch.setattr(module, "link_to_run", lambda stage, tracker, run: linked.append(run))
    with watching(root, "ppo", said.append) as watch:
        watch.started(os.getpid())
        steps, numbers = live_steps("ppo"), iter(range(1, 26))

        def five():
            for _ in range(5):
                steps.write(row(next(numbers)))

        with server(port, tmp_path) as pid:
            five()
            until(lambda: newest(root, "ppo").sent().step == 5)
            os.killpg(pid, signal.SIGSTOP)
            five()
            until(lambda: said)
            assert newest(root, "ppo").sent().step == 5
        five()
        with refusing(port) as asked:
            five()
            until(asked.is_set)
        with server(port, tmp_path):
            five()
            until(lambda: newest(root, "ppo").sent().step == 25)
            write_csv(root, 25)
            watch.end(None)
            tracker = connect(root)
            run = record_stage(tracker, "ppo")
            found = tracker.client.get_run(run)
            assert told(tracker, run) == expected(25)
    assert (found.info.status, len(said), set(linked)) == ("FINISHED", 1, {run})
    assert found.data.metrics["system/system_memory_usage_megabytes"] > 1
    assert "system/cpu_utilization_percentage" in found.data.metrics


def test_prefect_shows_how_far_a_stage_is_and_where_its_run_is(root, quick, prefect_server):
    @flow
    def stage():
        with watching(root, "reward_model", pytest.fail) as watch:
            for step in (1, 3, 4):
                watch.progress(Progress("reward_model", step, 4, {}))
                time.sleep(0.5)
        tracker = Tracker(None, "http://ada:secret@127.0.0.1:5000/", root, "reviews", "3")
        link_to_run("reward_model", tracker, "run7")

    stage()
    assert set(artifacts("reward-model-progress")) == {100.0}
    assert artifacts("reward-model-mlflow-run") == [
        "[reward_model in MLflow](http://127.0.0.1:5000/#/experiments/3/runs/run7)"
    ]


def artifacts(key):
    """What Prefect's real server holds of these."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    return [each.data for each in sorted(found, key=lambda each: each.created)]


KILLED = """
import sys, pathlib
from components.live import live_steps
from components.locks import exclusive
from flows.artifacts import link_to_run
from flows.watching import watching
with watching(pathlib.Path(sys.argv[1]), "ppo", print):
    steps = live_steps("ppo")
    for number in range(1, 5):
        steps.write({"step": number, "score": number / 8, "kl": number / 16})
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_retraining_could_not_send_the_next_one_sends(root, quick, monkeypatch):
    """MLflow is away until the process is killed; then the stage is resumed from its second step."""
    away = os.environ | {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(root)], env=away, **pipes)
    until(lambda: process.stdout.readline() == "ready\n")
    process.kill()
    process.communicate()

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    said = []
    deliver_earlier(root, said.append)
    assert "wait on the disk" in said[0]
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    tracker = connect(root)
    deliver_earlier(root, said.append)
    (run,) = tracker.client.search_runs([tracker.experiment])
    assert (run.info.status, run.data.tags[live.REASON]) == ("FAILED", "its process ended without telling")
    assert told(tracker, run.info.run_id) == expected(4)

    with watching(root, "ppo", said.append):
        steps = live_steps("ppo")
        steps.go_on()
        for number in range(3, 7):
            steps.write(row(number))
    write_csv(root, 6)
    assert record_stage(tracker, "ppo") == run.info.run_id
    assert told(tracker, run.info.run_id) == expected(6)
    assert tracker.client.get_run(run.info.run_id).info.status == "FINISHED"
    assert len(said) == 1


def fails(root, why, steps):
    with suppress(ValueError), watching(root, "ppo", pytest.fail):
        for number in range(steps):
            live_steps("ppo").write(row(number + 1))
        raise ValueError(why)


def test_a_stage_that_fails_says_why_and_one_without_steps_leaves_no_run(root, quick):
    tracker = connect(root)
    fails(root, "the loss is not a number", steps=1)
    fails(root, "too early for a step", steps=0)
    with watching(root, "prepare", pytest.fail):
        pass
    (run,) = tracker.client.search_runs([tracker.experiment])
    assert (run.info.status, run.data.tags[live.REASON]) == ("FAILED", "the loss is not a number")
    assert "RLHF_LIVE_FOLDER" not in os.environ


def test_why_a_stage_failed_is_told_when_mlflow_is_back(root, quick, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    said = []
    with suppress(ValueError), watching(root, "ppo", said.append):
        live_steps("ppo").write(row(1))
        raise ValueError("the loss is not a number")
    assert "MLflow does not hear" in said[0]
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    tracker = connect(root)
    deliver_earlier(root, said.append)
    (run,) = tracker.client.search_runs([tracker.experiment])
    assert (run.info.status, run.data.tags[live.REASON]) == ("FAILED", "the loss is not a number")
    # It went on since, and was killed.
    with keeping_steps(root):
        steps = live_steps("ppo")
        steps.go_on()
        steps.write(row(2))
    deliver_earlier(root, said.append)
    (run,) = tracker.client.search_runs([tracker.experiment])
    assert run.data.tags[live.REASON] == "its process ended without telling"


def test_the_run_of_a_stage_that_is_at_work_goes_on(root, quick):
    """The retraining that waited for it was killed; it trains on a worker, and the next retraining waits for it."""
    tracker = connect(root)
    with keeping_steps(root):
        live_steps("ppo").write(row(1))
    run = live.open_run(tracker, newest(root, "ppo"))
    with exclusive(root / ".rlhf/stages/ppo.lock"):
        deliver_earlier(root, pytest.fail)
        assert tracker.client.get_run(run).info.status == "RUNNING"
    deliver_earlier(root, pytest.fail)
    assert tracker.client.get_run(run).info.status == "FAILED"
