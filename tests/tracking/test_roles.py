"""Roles over real HTTP: the table of deploy/mlflow-auth/README.md, cell by cell, on MLflow's own basic auth."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
import requests
from tracking.fake_workspace import write_workspace
from tracking.rlhf_command import Command
from tracking.role_actions import GRANT, Actions
from tracking.test_real_server import free_port, wait_until_up

from components.errors import ModelError, NotAllowedError, PromotionRefusedError, RegistryError
from components.files import write_text
from components.tracking.loading import load_version
from components.tracking.promotion import promote
from components.tracking.reconciling import reconcile
from components.tracking.registration import register_all
from components.tracking.reviewing import look_at_candidate
from components.tracking.roles import ROLES, give_role
from components.tracking.tracker import connect

DEPLOY = Path(__file__).parents[2] / "deploy/mlflow-auth"
EVERYBODY = ("anonymous", "reader", "engineer", "pipeline", "reviewer", "admin")
MEANS = {"allow": 200, "deny": 403, "401": 401}


def password(user):
    return f"the password of {user}"


def table():
    """Expected status by (action, role), as documented."""
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in (DEPLOY / "README.md").open()]
    start = next(at for at, row in enumerate(rows) if row[0] == "action")
    assert tuple(rows[start][1:]) == EVERYBODY
    table = itertools.takewhile(lambda row: len(row) == 7, rows[start + 2 :])
    return {
        (row[0], role): MEANS[cell] for row in table for role, cell in zip(EVERYBODY, row[1:], strict=True)
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory, database):
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    shutil.copy(database, folder / "server.db")
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--workers", "1"]
    command += ["--port", str(port), "--backend-store-uri", "sqlite:///server.db"]
    command += ["--artifacts-destination", str(folder / "store")]
    environment = os.environ | {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_AUTH_CONFIG_PATH": str(DEPLOY / "basic_auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": password("admin"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "of this test",
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    wait_until_up(url, process)
    yield url, folder
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()


class Registry:
    """The server with its users, what `rlhf` registered there, and calls by any role."""

    def __init__(self, url, store, root, monkeypatch):
        self.url, self.store, self.root, self.monkeypatch = url, store, root, monkeypatch
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        monkeypatch.setenv("RLHF_AUTHOR", "trainer")

    def as_(self, role):
        self.monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", role)
        self.monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password(role))
        return connect(self.root)

    def call(self, role, method, path, **body):
        auth = None if role == "anonymous" else (role, password(role))
        if "content" in body:
            return requests.request(
                method, f"{self.url}{path}", auth=auth, data=body["content"], timeout=20
            ).status_code
        where = {"params" if method == "GET" else "json": body}
        return requests.request(
            method, f"{self.url}/api/2.0/mlflow/{path}", auth=auth, timeout=20, **where
        ).status_code


@pytest.fixture(scope="module")
def registry(server, models, tmp_path_factory):
    """Two candidates and a champion, each made by the role that may."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        root = write_workspace(tmp_path_factory.mktemp("work") / "root", models)
        registry = Registry(*server, root, monkeypatch)
        for role in ROLES:
            give_role(registry.as_("admin"), role, role, password(role))
        register_all(registry.as_("pipeline"))
        # The pipeline may not promote: the server says so, and the message what to do.
        with pytest.raises(RegistryError, match=r"403|denied") as refused:
            promote(registry.as_("pipeline"), "1", "reviewer")
        assert "MLFLOW_TRACKING_USERNAME" in refused.value.remedy
        promote(registry.as_("reviewer"), "1", "reviewer")
        yield registry


def test_the_pipeline_may_not_promote_and_who_made_a_model_first_does_not_keep_it(registry):
    assert connect(registry.root).client.get_model_version_by_alias("reviews", "champion").version == "1"
    # Had the pipeline become manager of production by creating it, its role takes that away.
    admin = registry.as_("admin")
    body = {"username": "pipeline", "resource_type": "registered_model", "resource_id": "reviews"}
    assert registry.call("admin", "POST", GRANT, **body, permission="MANAGE") == 200
    alias = {"name": "reviews", "alias": "other", "version": "1"}
    assert registry.call("pipeline", "POST", "registered-models/alias", **alias) == 200
    assert give_role(admin, "pipeline", "pipeline", "not its password") is False
    assert registry.call("pipeline", "POST", "registered-models/alias", **alias) == 403


def test_only_the_administrator_gives_roles(registry):
    with pytest.raises(RegistryError, match="403"):
        give_role(registry.as_("pipeline"), "reviewer", "pipeline", password("pipeline"))


def test_an_alias_of_the_pipeline_approves_nothing_and_a_tag_of_the_reviewer_does(registry):
    """The author is another here: his champion is what a rollback would have left."""
    candidates = "reviews-candidate"
    pipeline = registry.as_("pipeline")
    pipeline.client.set_registered_model_alias(candidates, "approved", "1")
    pipeline.client.set_model_version_tag(candidates, "1", "approver", "reviewer")
    (outcome,) = reconcile(registry.as_("reviewer"))
    assert not outcome.promoted
    assert "approves nothing" in outcome.reason
    with pytest.raises(mlflow.MlflowException, match="403"):
        registry.as_("pipeline").client.set_registered_model_tag("reviews", "approve", "1 reviewer")

    reviewer = registry.as_("reviewer")
    reviewer.client.set_registered_model_tag("reviews", "approve", "1 reviewer")
    assert [each.promoted for each in reconcile(reviewer)] == [True, False]
    tags = reviewer.client.get_registered_model("reviews").tags
    assert "approve" not in tags
    assert tags["approval"] == "candidate 1: promoted as version 1 of reviews"
    registry.as_("admin").client.delete_registered_model_alias(candidates, "approved")


def runs_and_files(registry):
    tracker = registry.as_("admin")
    found = tracker.client.search_runs([tracker.experiment], run_view_type=mlflow.entities.ViewType.ALL)
    files = [path for path in registry.store.glob("store/**/*") if path.is_file()]
    return len(found), len(files)


def test_the_pipeline_leaves_an_approval_to_a_reviewer_and_uploads_nothing(registry):
    production = registry.as_("reviewer").client
    production.set_registered_model_tag("reviews", "approve", "1 ada")
    # A promotion that has a copy already would upload nothing in any case.
    sound = production.get_model_version("reviews", "1").tags["sha256"]
    production.set_model_version_tag("reviews", "1", "sha256", "0" * 64)
    before = runs_and_files(registry)
    for _ in range(2):
        (outcome,) = reconcile(registry.as_("pipeline"))
        assert (outcome.candidate, outcome.promoted, outcome.is_left) == ("1", False, True)
    with pytest.raises(NotAllowedError):
        promote(registry.as_("pipeline"), "1", "ada")
    assert runs_and_files(registry) == before
    told = registry.as_("reader").client.get_model_version("reviews-candidate", "1").tags
    assert told["approval.waits"] == outcome.reason
    assert outcome.reason.startswith("approved by ada, but the login that looked may not promote")
    assert outcome.reason.endswith("a reviewer must run `rlhf reconcile --watch 60`")
    # Nobody has answered yet.
    assert "approval" not in told
    assert production.get_registered_model("reviews").tags["approve"] == "1 ada"
    production = registry.as_("reviewer").client
    production.set_model_version_tag("reviews", "1", "sha256", sound)
    production.delete_registered_model_tag("reviews", "approve")


def test_a_file_that_the_pipeline_swaps_is_refused_at_load(registry):
    tracker = registry.as_("pipeline")
    run = tracker.client.get_model_version("reviews", "1").run_id
    path = (
        f"/api/2.0/mlflow-artifacts/artifacts/{tracker.experiment}/{run}/artifacts/reviews/model/config.json"
    )
    (stored,) = registry.store.glob(f"store/*/{run}/artifacts/reviews/model/config.json")
    before = stored.read_bytes()
    assert registry.call("pipeline", "PUT", path, content=before + b" ") == 200
    shutil.rmtree(registry.root / ".rlhf/versions", ignore_errors=True)
    with pytest.raises(ModelError, match=r"config\.json: SHA-256"):
        load_version(registry.as_("reader"), "champion")
    stored.write_bytes(before)


def test_every_role_by_every_action_as_documented(registry):
    expected, calls = table(), Actions(registry).all()
    assert {action for action, _ in expected} == calls.keys()
    seen = {}
    for action in calls:
        for role in EVERYBODY:
            method, path, body = calls[action]()
            status = registry.call(role, method, path, **body)
            if action == "rename production" and status == 200:
                registry.as_("admin").client.rename_registered_model("renamed", "reviews")
            seen[action, role] = 200 if status in (201, 204) else status
    assert {cell: (seen[cell], want) for cell, want in expected.items() if seen[cell] != want} == {}


def test_where_there_are_roles_an_answer_in_prefect_approves_nothing(registry):
    with pytest.raises(PromotionRefusedError, match="proves nobody's name") as refused:
        look_at_candidate(registry.as_("reviewer"), "2")
    assert "approve = '2 NAME'" in refused.value.remedy


def roles(registry, *words, login="admin", new_password=None):
    logged_in = {"MLFLOW_TRACKING_USERNAME": login, "MLFLOW_TRACKING_PASSWORD": password(login)}
    new = {"RLHF_NEW_PASSWORD": new_password} if new_password else {}
    write_text(registry.root / "dvc.yaml", "stages: {}\n")
    command = Command(registry.root, MLFLOW_TRACKING_URI=registry.url, **logged_in, **new)
    return command("roles", *words)


def test_the_administrator_gives_and_takes_roles_by_command(registry):
    made = roles(registry, "pipeline", "bob", new_password=password("bob"))
    assert (made.returncode, made.out) == (0, "bob is made and is pipeline\n")
    assert password("bob") not in made.out + made.err
    tag = {"name": "reviews", "key": "bobs", "value": "1"}
    assert registry.call("bob", "POST", "registered-models/set-tag", **tag) == 403
    changed = roles(registry, "reviewer", "bob", new_password=password("nobody"))
    assert (changed.returncode, changed.out) == (0, "bob is now reviewer; the password stays\n")
    assert registry.call("bob", "POST", "registered-models/set-tag", **tag) == 200


@pytest.mark.parametrize(
    ("words", "login", "told"),
    [
        (("king", "eve"), "admin", "there is no role 'king'"),
        (("reviewer", "eve"), "reviewer", "administrator"),
        (("reviewer", "pipeline"), "pipeline", "administrator"),
    ],
)
def test_a_role_is_not_given(registry, words, login, told):
    refused = roles(registry, *words, login=login, new_password=password("eve"))
    assert (refused.returncode, refused.out) == (1, "")
    assert told in refused.err
    assert registry.call("eve", "GET", "users/current") == 401


def test_there_are_no_roles_without_a_server(root):
    write_text(root / "dvc.yaml", "stages: {}\n")
    refused = Command(root, RLHF_NEW_PASSWORD=password("eve"))("roles", "reviewer", "eve")
    assert (refused.returncode, "--app-name basic-auth" in refused.err) == (1, True)
