"""A reviewer's decision in Prefect: a real server, `rlhf serve` in processes of its own, and the API its UI uses."""

import json
import os
import signal
import time
from uuid import UUID

import httpx
import psutil
import pytest
from prefect import get_client
from prefect.states import Crashed
from tracking.fake_workspace import BLOCKED, write_reports, write_workspace
from tracking.promotion_case import audit, flip_a_bit, register_another
from tracking.rlhf_command import Command

from components.errors import PromotionRefusedError, RegistryError, RlhfError
from components.files import digest_tree, write_json, write_text
from components.tracking.manifest import manifest_of
from components.tracking.registration import register_all
from components.tracking.reviewing import is_decided
from components.tracking.tracker import connect
from components.tracking.versions import champion_of, checked_files, get_version
from flows.asking import ask, ask_once
from flows.news.log_file import FILE, read_entries
from flows.suspended import reopen, tell_failed
from flows.up.zombies import SILENT

PROMOTE, DECLINE = {"decision": "promote"}, {"decision": "decline"}
QUESTIONS = range(1, 5)


class Served:
    """A workspace with candidates 1 to 4 (READY) and 5 (blocked), its command, and the server's API."""

    def __init__(self, root, api):
        self.root, self.api, self.server = root, api, None
        self.command = Command(root, PREFECT_API_URL=api, PREFECT_RUNNER_POLL_FREQUENCY="1")

    def serve(self):
        quiet = {"stdout": None, "stderr": None}
        self.server = self.command.start("serve", **quiet)

    def stop(self, number=signal.SIGTERM):
        os.kill(self.server.pid, number)
        return self.server.wait(timeout=60)

    def ask_when_served(self, version):
        deadline = time.monotonic() + 60
        while (url := ask_once(self.root, str(version))) is None:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        return url.rpartition("/")[2]

    def state(self, run):
        found = httpx.get(f"{self.api}/flow_runs/{run}").raise_for_status().json()["state"]
        return found["name"], found["message"] or ""

    def wait_for(self, run, name, seconds=120):
        deadline = time.monotonic() + seconds
        while self.state(run)[0] != name:
            assert time.monotonic() < deadline, self.state(run)
            time.sleep(0.2)
        return self.state(run)[1]

    def answer(self, run, **answer):
        """What the UI sends when a person fills in the form."""
        sent = httpx.post(f"{self.api}/flow_runs/{run}/resume", json={"run_input": answer}, timeout=90)
        if sent.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            # SQLite was busy for a minute: a person would press the button again.
            return self.answer(run, **answer)
        return sent.raise_for_status().json()["status"]

    def shown(self, run):
        """What the form tells above its fields."""
        state = httpx.get(f"{self.api}/flow_runs/{run}").raise_for_status().json()["state"]
        key = state["state_details"]["run_input_keyset"]["description"]
        return httpx.get(f"{self.api}/flow_runs/{run}/input/{key}").raise_for_status().text

    def champion(self):
        return champion_of(connect(self.root))

    def told(self, version):
        """What the candidate's page in MLflow says became of it."""
        return get_version(connect(self.root), "reviews-candidate", str(version)).tags.get("approval")


@pytest.fixture(scope="module")
def served(tmp_path_factory, models, prefect_server, module_environment):
    module_environment.pop("MLFLOW_TRACKING_URI", None)
    module_environment["RLHF_AUTHOR"] = "trainer"
    root = write_workspace(tmp_path_factory.mktemp("approve") / "clone", models)
    write_text(root / "dvc.yaml", "stages: {}\n")
    tracker = connect(root)
    register_all(tracker)
    for number in QUESTIONS[1:]:
        register_another(tracker, root, f"candidate {number}")
    write_reports(root, BLOCKED)
    register_all(tracker)
    case = Served(root, prefect_server)
    yield case
    if case.server.poll() is None:
        case.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def runs(served):
    """The runs that ask about the READY candidates, suspended."""
    with pytest.raises(RlhfError, match="no deployment approve/reviews"):
        ask(served.root, "1")
    served.serve()
    runs = {number: served.ask_when_served(number) for number in QUESTIONS}
    for run in runs.values():
        served.wait_for(run, "Suspended")
    return runs


def test_what_waits_for_an_answer_is_not_asked_again(served, runs):
    again = json.loads(served.command("ask", 1, "--json").out)
    assert (again["run"], again["is_new"]) == (runs[1], False)
    assert ask_once(served.root, "1") == again["url"]
    assert again["url"].endswith(f"/runs/flow-run/{runs[1]}")


def test_the_reviewer_is_shown_what_there_is_to_decide(served, runs):
    page, digest = (
        served.shown(runs[2]),
        get_version(connect(served.root), "reviews-candidate", "2").tags["sha256"],
    )
    for shown in ("version 2", "trained by trainer", "READY", "no champion yet", digest[:12]):
        assert shown in page


def test_an_answer_that_is_no_answer_leaves_the_question_open(served, runs):
    for wrong in ({}, PROMOTE, PROMOTE | {"approver": ""}, {"decision": "perhaps", "approver": "ada"}):
        assert served.answer(runs[2], **wrong) == "REJECT"
    assert served.state(runs[2])[0] == "Suspended"


def test_a_suspended_run_that_the_servers_rule_closed_waits_again_with_its_form(served, runs):
    """The rule's verdict is given by hand here: the server gives it where it lost the event that the run waits."""
    form = served.shown(runs[4])
    with get_client(sync_client=True) as client:
        for number, message in ((4, f"{SILENT} for 70 s"), (3, "a person closed it")):
            client.set_flow_run_state(UUID(runs[number]), Crashed(message=message), force=True)
    try:
        assert reopen(served.root) == ["candidate 4"]
        assert (served.state(runs[4])[0], served.state(runs[3])[0]) == ("Suspended", "Crashed")
        assert served.shown(runs[4]) == form
        assert reopen(served.root) == []
    finally:
        with get_client(sync_client=True) as client:
            [waits] = [state for state in client.read_flow_run_states(UUID(runs[3])) if state.is_paused()]
            client.set_flow_run_state(UUID(runs[3]), waits, force=True)


def test_answers_are_carried_out_by_the_rules_of_promotion(served, runs):
    assert served.answer(runs[1], **PROMOTE, approver=" Trainer") == "ACCEPT"
    assert served.answer(runs[2], **DECLINE, approver="ada", reason="too long-winded") == "ACCEPT"
    assert "trained reviews-candidate version 1 and may not approve it" in served.wait_for(runs[1], "Failed")
    assert served.wait_for(runs[2], "Declined") == "declined by ada: too long-winded"
    assert [served.told(number) for number in (1, 2)] == [None, "declined by ada: too long-winded"]
    assert served.champion() is None
    again = ask(served.root, "1")
    assert again.is_new
    assert ask_once(served.root, "1").endswith(runs[1])
    assert ask_once(served.root, "2") is None, "it was declined"
    for _ in range(2):
        tell_failed(served.root)
    (told,) = read_entries(served.root / FILE)
    assert (told["kind"], told["subject"]) == (
        "run_failed",
        "approve of candidate 1 failed",
    )
    assert f"/runs/flow-run/{runs[1]}" in told["body"]
    assert not (served.root / ".rlhf/audit.jsonl").exists()


def test_killed_while_it_waits_and_killed_while_it_works(served, runs):
    served.stop(signal.SIGKILL)
    assert served.answer(runs[3], **PROMOTE, approver="ada") == "ACCEPT"
    assert served.state(runs[3])[0] == "Resuming"
    served.serve()
    _kill_process_of(served, runs[3])
    served.wait_for(runs[3], "Crashed")
    retry = {"state": {"type": "SCHEDULED", "name": "AwaitingRetry"}, "force": True}
    httpx.post(f"{served.api}/flow_runs/{runs[3]}/set_state", json=retry).raise_for_status()
    served.wait_for(runs[3], "Completed")
    assert served.champion() == "1"
    assert ask_once(served.root, "3") is None, "it is the champion"
    connect(served.root).client.set_model_version_tag("reviews-candidate", "4", "approval", "refused: nobody")
    assert not is_decided(connect(served.root), "4"), "a refused request decides nothing"
    connect(served.root).client.delete_model_version_tag("reviews-candidate", "4", "approval")
    assert served.told(3) == "promoted as version 1 of reviews, by ada"
    (line,) = audit(served.root)
    assert (line["action"], line["candidate_version"], line["approver"]) == ("promote", "3", "ada")


def _kill_process_of(served, run):
    """kill -9 of what runs a flow run, as soon as it works."""
    served.wait_for(run, "Running")
    (pid,) = (
        each.pid
        for each in psutil.process_iter()
        if served.command.is_ours(each)
        and each.environ().get("PREFECT__FLOW_RUN_ID") in (run, run.replace("-", ""))
    )
    os.kill(pid, signal.SIGKILL)


def test_other_files_than_were_shown_are_asked_about_anew(served, runs):
    tracker, shown = connect(served.root), served.shown(runs[4])
    candidate = get_version(tracker, "reviews-candidate", "4")
    files = checked_files(tracker, candidate)
    flip_a_bit(files / "model/model.safetensors")
    (files / "manifest.json").unlink()
    manifest = manifest_of(digest_tree(files))
    write_json(files / "manifest.json", manifest)
    tracker.client.set_model_version_tag("reviews-candidate", "4", "sha256", manifest["digest"])
    assert served.answer(runs[4], **PROMOTE, approver="ada") == "ACCEPT"
    served.wait_for(runs[4], "Suspended")
    assert manifest["digest"][:12] in served.shown(runs[4])
    assert manifest["digest"][:12] not in shown
    assert served.champion() == "1"
    assert served.told(4) is None


def test_what_cannot_be_promoted_is_not_asked_about(served, runs):
    with pytest.raises(PromotionRefusedError, match=r"win_rate: 0\.41 is not above 0\.5"):
        ask(served.root, "5")
    with pytest.raises(RegistryError, match="has no version 9"):
        ask(served.root, "9")


@pytest.mark.parametrize("words", [["serve"], ["ask", "1"]])
def test_without_a_lasting_server_there_is_nobody_to_ask(clone, words):
    process = Command(clone)(*words)
    assert (process.returncode, "prefect server start" in process.err) == (1, True)


def test_serve_ends_when_it_is_told_to(served, runs):
    assert served.stop() == 0
    assert [each for each in served.command.left_behind() if "flows.cli" in each] == []
