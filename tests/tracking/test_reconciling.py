"""Approvals left in MLflow's UI, on a database of the workspace: what is promoted, told and taken away."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tracking.fake_workspace import BLOCKED, write_reports

from components.errors import RegistryError
from components.tracking import reconciling
from components.tracking.reconciling import reconcile
from components.tracking.registration import register_all
from components.tracking.tracker import without_login
from components.tracking.versions import get_version

CANDIDATES = "reviews-candidate"


def approve(tracker, approver="ada"):
    if approver:
        tracker.client.set_model_version_tag(CANDIDATES, "1", "approver", approver)
    tracker.client.set_registered_model_alias(CANDIDATES, "approved", "1")


def told(tracker):
    """The answer on the candidate's page; the request is gone."""
    assert "approved" not in tracker.client.get_registered_model(CANDIDATES).aliases
    return tracker.client.get_model_version(CANDIDATES, "1").tags["approval"]


def champion(tracker):
    return tracker.client.get_model_version_by_alias("reviews", "champion")


def test_an_approved_candidate_is_promoted_once(tracker):
    register_all(tracker)
    assert reconcile(tracker) == []
    approve(tracker)
    with ThreadPoolExecutor(2) as threads:
        both = [each.result() for each in [threads.submit(reconcile, tracker) for _ in range(2)]]
    assert sorted(map(len, both)) == [0, 1]
    assert told(tracker) == "promoted as version 1 of reviews"
    assert champion(tracker).tags["approver"] == "ada"
    assert len((tracker.root / ".rlhf/audit.jsonl").read_text().splitlines()) == 1


def test_what_a_kill_left_is_finished_without_a_second_promotion(tracker, monkeypatch):
    register_all(tracker)
    approve(tracker)
    promote = reconciling.promote

    def killed(*arguments):
        promote(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(reconciling, "promote", killed)
        with pytest.raises(KeyboardInterrupt):
            reconcile(tracker)
    assert "approved" in tracker.client.get_registered_model(CANDIDATES).aliases
    (outcome,) = reconcile(tracker)
    assert (outcome.promoted, outcome.version) == (True, "1")
    assert len(tracker.client.search_model_versions("name = 'reviews'")) == 1
    assert told(tracker) == "promoted as version 1 of reviews"


@pytest.mark.parametrize(
    ("approver", "gates", "reason"),
    [
        ("trainer", None, "trainer trained"),
        ("", None, "no approver is named"),
        ("ada", BLOCKED, "win_rate: 0.41 is not above 0.5"),
    ],
)
def test_a_refusal_is_told_and_not_tried_again(tracker, approver, gates, reason):
    if gates:
        write_reports(tracker.root, gates)
    register_all(tracker)
    approve(tracker, approver)
    (outcome,) = reconcile(tracker)
    assert outcome.promoted is False
    assert told(tracker).startswith("refused: ")
    assert reason in told(tracker)
    assert reconcile(tracker) == []
    assert not tracker.client.search_model_versions("name = 'reviews'")


def test_a_damaged_candidate_is_refused_by_the_name_of_its_file(tracker):
    register_all(tracker)
    source = tracker.client.get_model_version(CANDIDATES, "1").source.removeprefix("file://")
    with Path(source, "model/config.json").open("a") as config:
        config.write(" ")
    approve(tracker)
    reconcile(tracker)
    assert "config.json: SHA-256" in told(tracker)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("1 ada", "candidate 1: promoted as version 1 of reviews"),
        ("7 ada", "candidate 7: refused: reviews-candidate has no version 7"),
        ("1", "candidate 1: refused: no approver is named"),
    ],
)
def test_the_tag_of_production(tracker, request_, answer):
    register_all(tracker)
    tracker.client.create_registered_model("reviews")
    tracker.client.set_registered_model_tag("reviews", "approve", request_)
    reconcile(tracker)
    tags = tracker.client.get_registered_model("reviews").tags
    assert "approve" not in tags
    assert tags["approval"].startswith(answer)


def test_where_mlflow_fails_the_request_stays(tracker, monkeypatch):
    register_all(tracker)
    approve(tracker)

    def away(*_):
        raise RegistryError("MLflow: away", "")

    monkeypatch.setattr(reconciling, "promote", away)
    with pytest.raises(RegistryError):
        reconcile(tracker)
    assert "approved" in tracker.client.get_registered_model(CANDIDATES).aliases


def test_a_password_in_an_address_is_not_told():
    told = without_login(
        "API request to http://ada:p:w@127.0.0.1:5000/api failed; postgresql+psycopg2://x:y@db/m"
    )
    assert told == "API request to http://127.0.0.1:5000/api failed; postgresql+psycopg2://db/m"
    assert without_login("mail ada@host, sqlite:////a/b.db") == "mail ada@host, sqlite:////a/b.db"


def test_the_tag_may_name_the_very_files(tracker):
    register_all(tracker)
    tracker.client.create_registered_model("reviews")
    for digits, promoted in (
        ("0" * 12, False),
        (get_version(tracker, CANDIDATES, "1").tags["sha256"][:12], True),
    ):
        tracker.client.set_registered_model_tag("reviews", "approve", f"1@{digits} Ada Lovelace")
        (outcome,) = reconcile(tracker)
        assert (outcome.candidate, outcome.approver, outcome.promoted) == ("1", "Ada Lovelace", promoted)
    assert champion(tracker).tags["approver"] == "Ada Lovelace"


def test_files_that_are_not_what_they_should_be_are_refused_not_stumbled_over(tracker):
    write_reports(tracker.root, [])
    register_all(tracker)
    approve(tracker)
    (outcome,) = reconcile(tracker)
    assert (outcome.promoted, "BLOCKED" in outcome.reason) == (False, True)
