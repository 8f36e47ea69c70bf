"""What runs by itself, against Prefect's test server: `rlhf serve`, and feedback that comes in."""

import json
import os
import signal
import time

import httpx
import psutil
import pytest
from feedback_files import write_pairs
from stages.small_project import change_params
from tracking.fake_workspace import write_dvc_workspace
from tracking.rlhf_command import Command

from flows.news.log_file import FILE, read_entries

# Minutes with a real server and a process for each run: `make test LONG=yes`.
pytestmark = pytest.mark.long

#: Rows of each file below.
ROWS = 6


class Served:
    """A project whose deployments are served in a process of its own, and the server's API."""

    def __init__(self, root, api):
        self.root, self.api = root, api
        self.command = Command(root, PREFECT_API_URL=api, PREFECT_RUNNER_POLL_FREQUENCY="1")
        quiet = {"stdout": None, "stderr": None}
        self.server = self.command.start("serve", **quiet)
        for name in ("ingest-inbox", "retrain", "reconcile", "health", "approve"):
            self.wait_for(lambda name=name: self.deployment(name))

    def post(self, path, **content):
        """As Prefect's own client does, asked again while the server's database is locked."""
        while (answer := httpx.post(f"{self.api}/{path}", json=content, timeout=60)).status_code == 503:
            time.sleep(1)
        return answer.raise_for_status().json()

    def deployment(self, flow):
        found = httpx.get(f"{self.api}/deployments/name/{flow}/reviews", timeout=60)
        return found.json() if found.status_code == 200 else None

    def run(self, flow, **parameters):
        path = f"deployments/{self.deployment(flow)['id']}/create_flow_run"
        return self.post(path, parameters=parameters, state={"type": "SCHEDULED"})["id"]

    def state(self, run):
        state = httpx.get(f"{self.api}/flow_runs/{run}", timeout=60).raise_for_status().json()["state"]
        return state["type"], state["name"], state["message"] or ""

    def end_of(self, run):
        self.wait_for(lambda: self.state(run)[0] in ("COMPLETED", "FAILED", "CANCELLED", "CRASHED"))
        return self.state(run)

    def runs(self, flow):
        """Ids of a deployment's runs, the oldest first."""
        wanted = {"id": {"any_": [self.deployment(flow)["id"]]}}
        found = self.post("flow_runs/filter", deployments=wanted, sort="EXPECTED_START_TIME_ASC")
        return [run["id"] for run in found]

    def begun(self, flow):
        """How many runs of a deployment are under way."""
        return [self.state(run)[0] for run in self.runs(flow)].count("RUNNING")

    def wait_for(self, is_so, seconds=600):
        deadline = time.monotonic() + seconds
        while not (answer := is_so()):
            assert self.server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        return answer

    def ends(self, flow, after):
        """The last states of the runs that came after these many, once all have ended."""
        self.wait_for(lambda: len(self.runs(flow)) > after)
        states = [self.end_of(run) for run in self.runs(flow)[after:]]
        more = self.runs(flow)[after + len(states) :]
        return states + [self.end_of(run) for run in more]

    def holder(self):
        """Who retrains, once a process is at it that stays there."""
        said = json.loads((self.root / ".rlhf/retrain.lock").read_text() or "{}")
        return said if said and psutil.pid_exists(said["pid"]) else None

    def told(self, kind):
        return [entry for entry in read_entries(self.root / FILE) if entry["kind"] == kind]


@pytest.fixture(scope="module")
def served(tmp_path_factory, models, prefect_server, module_environment):
    module_environment.pop("MLFLOW_TRACKING_URI", None)
    root = write_dvc_workspace(tmp_path_factory.mktemp("schedules") / "clone", models)
    change_params(root, {"schedule": {"debounce_seconds": 3, "min_new_rows": ROWS, "inbox": "arrivals"}})
    case = Served(root, prefect_server)
    yield case
    os.killpg(case.server.pid, signal.SIGTERM)
    assert case.server.wait(timeout=60) == 0
    assert case.command.left_behind() == []


def test_accepted_feedback_starts_a_retraining(served, tmp_path):
    done = served.command("ingest", write_pairs(tmp_path / "week-1.jsonl"))
    assert done.returncode == 0, done.err
    ((kind, name, message),) = served.ends("retrain", after=0)
    assert (kind, name) == ("COMPLETED", "Ready"), message
    assert message == "reviews-candidate version 1 is READY"
    (told,) = served.told("candidate_ready")
    assert "`rlhf promote 1 --approver NAME`" in told["body"]


def test_ten_batches_at_once_start_one_retraining_and_a_second_is_busy(served, tmp_path):
    before = len(served.runs("retrain"))
    (served.root / "slow-prepare").touch()
    files = [write_pairs(tmp_path / f"day-{day}.jsonl", topic=f"topic {day}") for day in range(10)]
    assert served.command("ingest", *files).returncode == 0
    lock = served.root / ".rlhf/retrain.lock"
    first_pid = json.loads(lock.read_text())["pid"]
    holder = served.wait_for(
        lambda: (said := json.loads(lock.read_text() or "{}")) and said["pid"] != first_pid and said
    )
    # Of the runs that the other batches started, none may hold the second place.
    served.wait_for(lambda: served.begun("retrain") == 1)
    kind, name, message = served.end_of(served.run("retrain", only_if_due=False))
    assert (kind, name) == ("CANCELLED", "Busy")
    assert f"process {holder['pid']} of {holder['user']}, since {holder['since']}" in message
    (served.root / "slow-prepare").unlink()
    states = served.ends("retrain", before)
    names = [name for _, name, _ in states]
    assert names.count("Ready") == 1, states
    assert set(names) <= {"Ready", "Busy", "Cancelled"}
    assert len(served.told("candidate_ready")) == 2


def test_a_little_feedback_is_not_worth_one(served, tmp_path):
    before = len(served.runs("retrain"))
    assert served.command("ingest", write_pairs(tmp_path / "few.jsonl", topic="few", count=2)).returncode == 0
    ((kind, name, message),) = served.ends("retrain", before)
    assert (kind, name) == ("COMPLETED", "NotDue")
    assert message == f"2 new rows of the {ROWS} that start a retraining"


def test_a_stage_that_diverges_ends_the_run_and_is_told(served):
    (served.root / "fail-prepare").write_text("DIVERGED: gradients were not finite 3 times in a row")
    kind, name, message = served.end_of(served.run("retrain"))
    (served.root / "fail-prepare").unlink()
    assert (kind, name) == ("FAILED", "Diverged")
    why = "stage prepare failed: DIVERGED: gradients were not finite 3 times in a row"
    assert message == f"{why}. Remedy: lower the learning rate"
    (told,) = served.told("training_diverged")
    assert told["body"] == f"{why}\nRemedy: lower the learning rate"


def test_a_killed_retraining_is_closed_told_once_and_started_again(served):
    (served.root / "slow-prepare").touch()
    # One that has just let go may still be ending.
    earlier = served.holder()
    run = served.run("retrain")
    holder = served.wait_for(lambda: (said := served.holder()) != earlier and said)
    os.kill(holder["pid"], signal.SIGKILL)
    assert served.end_of(run)[0] == "CRASHED"
    (served.root / "slow-prepare").unlink()
    before = len(served.runs("retrain"))
    for named in ("Reconciled", "Nothing"):
        kind, name, message = served.end_of(served.run("reconcile"))
        assert (kind, name) == ("COMPLETED", named), message
    (told,) = served.told("run_failed")
    assert told["subject"] == "retrain was killed"
    assert list((served.root / ".rlhf/runs").glob(f"{run}.json")) == []
    ((kind, name, message),) = served.ends("retrain", before)
    # It was to learn also from the little that was not worth a retraining of its own.
    assert (kind, name, message) == ("COMPLETED", "Ready", "reviews-candidate version 3 is READY")


def test_the_inbox_is_emptied_and_the_health_report_tells_of_it(served, tmp_path):
    arrivals = served.root / "arrivals"
    assert served.end_of(served.run("ingest-inbox"))[1] == "Empty"
    write_pairs(arrivals / "week-9.jsonl", topic="hinge", count=1)
    (arrivals / "week-9.jsonl.done").touch()
    kind, name, message = served.end_of(served.run("ingest-inbox"))
    assert (name, message) == ("Taken", "week-9-" + message.removeprefix("week-9-"))
    assert (arrivals / "done/week-9.jsonl").exists()
    kind, name, message = served.end_of(served.run("health"))
    assert (kind, name) == ("COMPLETED", "Reported"), message
    page = (served.root / "reports/health.md").read_text()
    assert "- candidate reviews-candidate version 3 (reviewer): `rlhf promote 3 --approver NAME`" in page
    assert "- batches: 13 accepted" in page
    assert page.count("Diverged") == page.count("Crashed") == 1
    assert "has all feedback" in page
    (told,) = served.told("health")
    assert told["body"] == page[:2000]
