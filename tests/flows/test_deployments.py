"""The deployments as code and as prefect.yaml: one says what the other says, and a work pool runs them."""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import timedelta

import httpx
import pytest
import yaml
from prefect import get_client
from prefect.cli.deploy._triggers import _initialize_deployment_triggers
from prefect.utilities.templating import apply_values, find_placeholders
from stages.small_project import change_params
from tracking.fake_workspace import PROJECT, write_batch, write_dvc_workspace
from tracking.rlhf_command import Command

from components.config import load_params
from components.errors import ConfigError, RlhfError
from flows.deployments import _refuse_foreign, deployments
from flows.environment import HEARTBEAT_S, prepare_environment
from flows.project import other_project, project_tag
from flows.up.zombies import longest_silence
from flows.workers.pools import _register

#: What the rules of flows/up/zombies.py ask of every run on their server.
SIGNS = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S)}
YAML = yaml.safe_load((PROJECT / "prefect.yaml").read_text())


@pytest.fixture
def project(tmp_path):
    """A folder with the shipped parameters."""
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(PROJECT / name, tmp_path)
    return tmp_path


def as_in_yaml(deployment):
    """What prefect.yaml would say of a deployment made in code."""
    schedules = [each.schedule for each in deployment.schedules or []]
    return {
        "name": deployment.name,
        "entrypoint": deployment.entrypoint,
        "schedules": [
            {"interval": each.interval.total_seconds()}
            if hasattr(each, "interval")
            else {"cron": each.cron, "timezone": each.timezone}
            for each in schedules
        ],
        "parameters": deployment.parameters,
        "limit": (
            deployment.concurrency_limit,
            deployment.concurrency_options and deployment.concurrency_options.collision_strategy.value,
        ),
        "triggers": [trigger.model_dump() for trigger in deployment.triggers],
        # The others name this machine's folder, which no file can.
        "tags": [tag for tag in deployment.tags if not tag.startswith(("project:", "retrain:"))],
    }


def as_written(entry):
    limit = entry.get("concurrency_limit", {})
    triggers = [{"type": "event"} | trigger for trigger in entry.get("triggers", [])]
    return {
        "name": entry["name"],
        "entrypoint": entry["entrypoint"],
        "schedules": entry.get("schedules", []),
        "parameters": entry.get("parameters", {}),
        "limit": (limit.get("limit"), limit.get("collision_strategy")),
        "triggers": [each.model_dump() for each in _initialize_deployment_triggers(entry["name"], triggers)],
        "tags": entry.get("tags", []),
    }


def test_prefect_yaml_names_the_same_deployments(project):
    in_code = {each.flow_name: as_in_yaml(each) for each in deployments(project)}
    assert set(in_code) == {"ingest-inbox", "retrain", "reconcile", "health", "approve"}
    written = [as_written(entry) for entry in YAML["deployments"]]
    assert sorted(written, key=lambda each: each["entrypoint"]) == sorted(
        in_code.values(), key=lambda each: each["entrypoint"]
    )
    assert {entry["work_pool"]["name"] for entry in YAML["deployments"]} == {"rlhf"}


def test_what_params_yaml_says_is_what_is_served(project):
    change_params(
        project,
        {
            "registry": {"name": "letters"},
            "schedule": {
                "retrain_cron": None,
                "retrain_on_feedback": False,
                "inbox_seconds": 77,
                "reconcile_seconds": 88,
                "health_cron": "1 2 3 4 5",
                "time_zone": "Europe/Berlin",
            },
        },
    )
    found = {each.flow_name: each for each in deployments(project)}
    assert {each.name for each in found.values()} == {"letters"}
    assert found["retrain"].schedules == []
    assert [trigger.enabled for trigger in found["retrain"].triggers] == [False]
    assert found["retrain"].triggers[0].match["rlhf.registry"] == ["letters"]
    assert as_in_yaml(found["ingest-inbox"])["schedules"] == [{"interval": 77.0}]
    assert as_in_yaml(found["reconcile"])["schedules"] == [{"interval": 88.0}]
    assert as_in_yaml(found["health"])["schedules"] == [{"cron": "1 2 3 4 5", "timezone": "Europe/Berlin"}]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"retrain_cron": "every monday"}, "five fields"),
        ({"time_zone": "Mars/Base"}, "no time zone"),
        ({"inbox_seconds": 1}, "schedule.inbox_seconds"),
        ({"max_accuracy_drop": 0}, "schedule.max_accuracy_drop"),
    ],
)
def test_a_schedule_that_is_none_is_refused(project, change, said):
    change_params(project, {"schedule": change})
    with pytest.raises(ConfigError, match=said):
        load_params(project / "params.yaml")


def test_a_cron_expression_without_sense_is_refused_before_anything_is_registered(project):
    change_params(project, {"schedule": {"retrain_cron": "99 99 * * *"}})
    with pytest.raises(ConfigError, match="schedule"):
        deployments(project)


def test_no_project_takes_the_runs_of_another(project, tmp_path, prefect_server):
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(PROJECT / "params.yaml", other)
    change_params(project, {"registry": {"name": "shared"}})
    change_params(other, {"registry": {"name": "shared"}})
    mine = deployments(project)[0]
    mine.apply()
    _refuse_foreign(project, mine)
    with pytest.raises(RlhfError, match="deployment ingest-inbox/shared of another project") as caught:
        _refuse_foreign(other, deployments(other)[0])
    assert "prefect deployment delete ingest-inbox/shared" in caught.value.remedy
    assert other_project(other, ["a tag", project_tag(project)]) == project_tag(project)
    assert other_project(project, ["a tag", project_tag(project)]) is None


def test_a_server_makes_the_runs_of_a_schedule(project, prefect_server):
    """With SQLAlchemy 2.1 it makes none, and says so in its own log alone."""
    change_params(project, {"registry": {"name": "scheduled"}})
    for deployment in deployments(project):
        made = httpx.post(f"{prefect_server}/deployments/{deployment.apply()}/schedule", json={}, timeout=30)
        made.raise_for_status()
        wanted = {"name": {"any_": ["scheduled"]}}
        flows = {"name": {"any_": [deployment.flow_name]}}
        body = {"deployments": wanted, "flows": flows}
        runs = httpx.post(f"{prefect_server}/flow_runs/filter", json=body, timeout=30).json()
        assert bool(runs) is bool(deployment.schedules), deployment.flow_name


def test_the_template_for_kubernetes_is_a_job_that_asks_for_a_gpu(prefect_server):
    template = json.loads((PROJECT / "deploy/work-pools/kubernetes-gpu.json").read_text())
    variables = template["variables"]["properties"]
    assert {each.name for each in find_placeholders(template["job_configuration"])} == set(variables)
    pool = {"name": "cluster", "type": "kubernetes", "base_job_template": template}
    assert httpx.post(f"{prefect_server}/work_pools/", json=pool, timeout=30).status_code == 201
    values = {name: each["default"] for name, each in variables.items() if "default" in each}
    job = apply_values(template["job_configuration"], values | {"image": "ours:1"})["job_manifest"]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert (job["kind"], container["image"]) == ("Job", "ours:1")
    assert container["resources"]["limits"] == {"nvidia.com/gpu": 1}
    (claim, _) = job["spec"]["template"]["spec"]["volumes"]
    assert claim["persistentVolumeClaim"] == {"claimName": "rlhf-project"}


# A worker, as the documentation starts it.


class Pool:
    def __init__(self, root, api):
        self.root, self.api = root, api
        self.command = Command(root, PREFECT_API_URL=api, PREFECT_WORKER_QUERY_SECONDS="1")
        self.command.environment["PATH"] = f"{sys.prefix}/bin:{os.environ['PATH']}"

    def prefect(self, *words):
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *words],
            cwd=self.root,
            env=self.command.environment,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, pool):
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool]
        return subprocess.Popen(
            command, cwd=self.root.parent, env=self.command.environment, start_new_session=True
        )

    def deployment(self, name):
        return httpx.get(f"{self.api}/deployments/name/{name}").raise_for_status().json()


@pytest.fixture(scope="module")
def pool(tmp_path_factory, models, prefect_server, module_environment):
    module_environment.pop("MLFLOW_TRACKING_URI", None)
    root = write_dvc_workspace(tmp_path_factory.mktemp("pool") / "clone", models)
    shutil.copy(PROJECT / "prefect.yaml", root)
    write_batch(root, "week-1-aaaaaaaa")
    prepare_environment(root)
    return Pool(root, prefect_server)


def test_prefect_deploy_registers_all_of_them(pool):
    pool.prefect("work-pool", "create", "rlhf", "--type", "process")
    pool.prefect("deploy", "--all")
    for flow in ("ingest-inbox", "retrain", "reconcile", "health", "approve"):
        found = pool.deployment(f"{flow}/reviews")
        assert found["work_pool_name"] == "rlhf"
        assert found["tags"] == ["registry:reviews"]
        assert found["job_variables"]["env"] == SIGNS
        assert found["pull_steps"] == [
            {"prefect.deployments.steps.set_working_directory": {"directory": str(pool.root)}}
        ]
    assert pool.deployment("retrain/reviews")["schedules"][0]["schedule"]["cron"] == "0 3 * * 1"


def test_a_stage_on_a_pool_gives_signs_of_life_as_often_as_the_rules_ask(pool):
    pool.prefect("work-pool", "create", "signs", "--type", "process")
    with get_client(sync_client=True) as client:
        name = _register(client, pool.root, "signs")
        assert client.read_deployment_by_name(name).job_variables["env"] == SIGNS
    assert longest_silence(HEARTBEAT_S) > 2 * timedelta(
        seconds=int(SIGNS["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])
    )


@pytest.mark.long
def test_a_stage_runs_on_the_worker_of_its_pool(pool):
    change_params(pool.root, {"resources": {"sft": {"work_pool": "gpu"}}})
    without = pool.command("retrain")
    assert without.returncode == 1
    assert "Prefect has no work pool 'gpu'" in without.err
    assert "prefect worker start --pool gpu" in without.err
    pool.prefect("work-pool", "create", "gpu", "--type", "process")
    worker = pool.start("gpu")
    try:
        (pool.root / "fail-sft").touch()
        failed = pool.command("retrain")
        assert failed.returncode == 1
        assert "error: stage sft failed: the loss is not a number\n" in failed.err
        assert "remedy: lower the learning rate\n" in failed.err
        (pool.root / "fail-sft").unlink()
        done = pool.command("retrain")
        assert done.returncode == 0, done.err
        assert "stage sft runs on work pool gpu: run sft" in done.err
        states = [run["state"]["name"] for run in runs_of(pool, "stage/reviews-gpu")]
        assert sorted(states) == ["Failed", "Ran"]
        assert (pool.root / "models/sft").is_dir()
    finally:
        os.killpg(worker.pid, signal.SIGTERM)
        worker.wait(timeout=60)


def runs_of(pool, deployment):
    wanted = {"id": {"any_": [pool.deployment(deployment)["id"]]}}
    found = httpx.post(f"{pool.api}/flow_runs/filter", json={"deployments": wanted}, timeout=30)
    return found.raise_for_status().json()
