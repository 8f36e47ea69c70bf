"""The examples under deploy/, held as far as a machine without a container engine allows.

Their form is checked against the published schemas, each command by the program's own parser, each variable against
what Prefect and MLflow know. Servers on PostgreSQL really start in `python -m benchmarks.postgres`.
"""

import configparser
import json
import re
import subprocess
import tomllib
from importlib import resources
from pathlib import Path

import click
import mlflow.environment_variables
import pytest
import typer
import yaml
from jsonschema import Draft7Validator
from mlflow.cli import cli as mlflow_cli
from prefect.cli._app import _app as prefect_app
from prefect.settings import get_current_settings

from components.files import write_text
from flows.cli import app as rlhf_app
from flows.up import leases

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose/docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
MANIFESTS = {
    f"{path.stem}: {each['kind']} {each['metadata']['name']}": each
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    if path.stem != "kustomization"
    for each in yaml.safe_load_all(path.read_text())
}
SECRET = re.compile(r"PASSWORD|SECRET|AUTH_STRING|ACCESS_KEY|ROOT_USER|ADMIN_USERNAME")
#: What other libraries and images read.
LIBRARIES = {
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "PGPASSWORD",
}
IMAGES = {
    "PGDATA",
    "POSTGRES_USER",
    "POSTGRES_DB",
    "POSTGRES_PASSWORD",
    "MINIO_ROOT_USER",
    "MINIO_ROOT_PASSWORD",
}


def containers():
    """Every container of both examples: name, command, variables by name, image."""
    for name, service in SERVICES.items():
        yield f"compose {name}", service.get("command", []), service.get("environment", {}), service["image"]
    for manifest in MANIFESTS.values():
        pod = manifest.get("spec", {}).get("template", {}).get("spec", {})
        for each in pod.get("initContainers", []) + pod.get("containers", []):
            variables = {one["name"]: one.get("value", one.get("valueFrom")) for one in each.get("env", [])}
            yield f"kubernetes {each['name']}", each.get("args", []), variables, each["image"]


CONTAINERS = {name: rest for name, *rest in containers()}


def test_the_compose_file_meets_the_published_schema():
    schema = resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    Draft7Validator(json.loads(schema.read_text())).validate(COMPOSE)


def test_the_manifests_meet_the_published_schemas():
    validate = pytest.importorskip("kubernetes_validate", reason="`pip install kubernetes-validate` (72 MB)")
    for manifest in MANIFESTS.values():
        validate.validate(manifest, "1.33", strict=True)


def test_the_kustomization_names_every_file():
    kustomization = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text())
    files = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) == files
    for selector, manifest in selected():
        assert selector in [labels(each) for each in MANIFESTS.values()], manifest


def selected():
    for name, manifest in MANIFESTS.items():
        if manifest["kind"] == "Service":
            yield manifest["spec"]["selector"], name


def labels(manifest):
    return manifest.get("spec", {}).get("template", {}).get("metadata", {}).get("labels")


@pytest.mark.parametrize("name", CONTAINERS)
def test_each_command_is_one_that_the_program_takes(name):
    words = [str(word) for word in CONTAINERS[name][0]]
    if not words or words[0] in ("server", "sh"):
        # Of an image of others, or of the system.
        return
    program, *rest = words
    if program == "mlflow":
        mlflow_cli.commands[rest[0]].make_context(rest[0], rest[1:])
    elif program == "prefect":
        _, bound, unused, *_ = prefect_app.parse_known_args(rest)
        assert (unused, bound.arguments["port"]) == ([], 4200)
    elif program == "rlhf":
        group = typer.main.get_command(rlhf_app)
        group.commands[rest[0]].make_context(rest[0], rest[1:], parent=click.Context(group))
    else:
        assert program == "python"
        where = rest[1].replace(".", "/") + ".py" if rest[0] == "-m" else rest[0]
        assert (DEPLOY.parent / where).is_file()


@pytest.mark.parametrize("name", CONTAINERS)
def test_each_variable_is_one_that_something_reads(name):
    known = LIBRARIES | IMAGES | prefect_variables() | mlflow_variables()
    assert set(CONTAINERS[name][1]) - known == set()


def prefect_variables():
    settings = get_current_settings()
    found = set()

    def take(section, prefix):
        for field in type(section).model_fields:
            value = getattr(section, field)
            if hasattr(type(value), "model_fields") and field != "root":
                take(value, f"{prefix}{field}_")
            else:
                found.add(f"PREFECT_{prefix}{field}".upper())

    take(settings, "")
    return found


def mlflow_variables():
    options = {option.envvar for option in mlflow_cli.commands["server"].params if option.envvar}
    variables = vars(mlflow.environment_variables).values()
    clients = {"MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"}
    return (
        options
        | clients
        | {each.name for each in variables if hasattr(each, "name") and hasattr(each, "get")}
    )


@pytest.mark.parametrize("name", CONTAINERS)
def test_no_secret_has_a_value_here(name):
    command, variables, _ = CONTAINERS[name]
    for variable, value in variables.items():
        if SECRET.search(variable):
            given = isinstance(value, dict) and value.get("secretKeyRef", {}).get("name") == "rlhf"
            assert given or re.fullmatch(r"\$\{[A-Z_]+:\?set it in \.env.*\}", str(value)), variable
    assert not [word for word in command if "$" in str(word)]


def test_the_examples_of_secrets_name_each_and_give_none():
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", (DEPLOY / "compose/docker-compose.yml").read_text()))
    keys = set(
        re.findall(r"key: ([A-Z_]+)", "".join(p.read_text() for p in DEPLOY.glob("kubernetes/*.yaml")))
    )
    for path in (DEPLOY / "compose/env.example", DEPLOY / "kubernetes/secrets.example.env"):
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        assert all(line.endswith("=") for line in lines)
        assert {line.rstrip("=") for line in lines} == asked == keys


@pytest.mark.parametrize("name", CONTAINERS)
def test_each_image_is_pinned(name):
    image, _, tag = CONTAINERS[name][2].rpartition(":")
    assert image
    assert re.search(r"\d", tag)


def test_ports_are_published_on_loopback_and_the_rest_stays_inside():
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"prefect": ["127.0.0.1:4200:4200"], "mlflow": ["127.0.0.1:5000:5000"]}
    reach_out = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    # Notifiers are called from where the runs are.
    assert reach_out == {*published, "deployments"}
    types = {each.get("spec", {}).get("type") for each in MANIFESTS.values()}
    assert types.isdisjoint({"NodePort", "LoadBalancer"})


def test_what_lasts_is_asked_for_its_health():
    for name, service in SERVICES.items():
        assert ("healthcheck" in service) == (service.get("restart") == "unless-stopped"), name
    for name, manifest in MANIFESTS.items():
        for each in manifest.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
            assert "livenessProbe" in each, name
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            lasts = SERVICES[needed].get("restart") == "unless-stopped"
            assert how["condition"] == ("service_healthy" if lasts else "service_completed_successfully"), (
                name
            )


def test_both_logins_of_mlflow_are_alike_but_for_where_users_lie():
    one, other = (
        configparser.ConfigParser(interpolation=None),
        configparser.ConfigParser(interpolation=None),
    )
    one.read(DEPLOY / "mlflow-auth/basic_auth.ini")
    other.read(DEPLOY / "mlflow-auth/basic_auth_postgres.ini")
    different = {key for key in one["mlflow"] if one["mlflow"][key] != other["mlflow"].get(key)}
    assert (different, set(one["mlflow"])) == ({"database_uri"}, set(other["mlflow"]))
    assert (DEPLOY / "compose/databases.sql").read_text() == (DEPLOY / "kubernetes/databases.sql").read_text()


def test_the_image_takes_what_is_there():
    text = (DEPLOY / "image/Dockerfile").read_text()
    copied = [word for line in re.findall(r"^COPY ([^-].*) \./\S*$", text, re.M) for word in line.split()]
    assert copied
    assert all((DEPLOY.parent / name).exists() for name in copied)
    (extras,) = re.findall(r'"\.\[(.*)\]"', text)
    declared = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert set(extras.split(",")) <= set(declared)


def ignored(path):
    """As Docker reads the file: the last line that names the path or a folder above it decides."""
    is_ignored = False
    for line in (DEPLOY / "image/Dockerfile.dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = re.escape(line.lstrip("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
            if re.fullmatch(f"{pattern}(/.*)?", path):
                is_ignored = not line.startswith("!")
    return is_ignored


def what_git_ignores():
    for folder, name in ((".", ".gitignore"), (".dvc", ".dvc/.gitignore")):
        for line in (DEPLOY.parent / name).read_text().splitlines():
            if line and not line.startswith(("#", "!")):
                yield f"{folder}/{line.strip('/')}".removeprefix("./").replace("*", "any")


@pytest.mark.parametrize("path", [*what_git_ignores(), "data/inbox/done/week-1.jsonl", "deploy/any.env"])
def test_what_git_ignores_is_in_no_image(path):
    assert ignored(path)


@pytest.mark.parametrize(
    "path",
    [
        "data/samples/week-1.jsonl",
        "data/feedback.dvc",
        "data/champion/.gitkeep",
        ".git/HEAD",
        ".dvc/config",
        "deploy/kubernetes/secrets.example.env",
        "components/files.py",
    ],
)
def test_the_rest_of_the_clone_is(path):
    assert not ignored(path)


def test_a_workspace_in_use_keeps_its_own_and_takes_the_new_code(tmp_path):
    image, disk = tmp_path / "image", tmp_path / "disk"
    disk.mkdir()
    code = ("components/a.py", "flows/b.py", "dvc.yaml", "pyproject.toml", "constraints.txt")
    for name in (*code, "params.yaml", "data/feedback.dvc", ".git/HEAD"):
        write_text(image / name, "of the image")
    (script,) = CONTAINERS["kubernetes workspace"][0][2:]
    command = ["sh", "-ec", script.replace("/workspace", str(image)).replace("/disk", str(disk))]
    subprocess.run(command, check=True)
    assert (disk / "params.yaml").read_text() == (disk / "flows/b.py").read_text() == "of the image"
    for name in (
        "params.yaml",
        "data/feedback.dvc",
        ".git/HEAD",
        ".rlhf/project",
        "flows/gone.py",
        "dvc.yaml",
    ):
        write_text(disk / name, "of the workspace")
    subprocess.run(command, check=True)
    for name in ("params.yaml", "data/feedback.dvc", ".git/HEAD", ".rlhf/project"):
        assert (disk / name).read_text() == "of the workspace"
    assert (disk / "dvc.yaml").read_text() == "of the image"
    assert not (disk / "flows/gone.py").exists()


def test_prefects_leases_and_the_name_of_the_deployments_outlive_a_container():
    assert SERVICES["prefect"]["volumes"] == ["prefect:/home/rlhf/.prefect"]
    assert "prefect" in COMPOSE["volumes"]
    assert SERVICES["deployments"]["hostname"] == "deployments"
    pod = MANIFESTS["prefect: Deployment prefect"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "leases", "mountPath": "/home/rlhf/.prefect"}]
    (volume,) = pod["volumes"]
    claim = volume["persistentVolumeClaim"]["claimName"]
    assert f"prefect: PersistentVolumeClaim {claim}" in MANIFESTS
    for _, variables, _ in (CONTAINERS["compose prefect"], CONTAINERS["kubernetes prefect"]):
        assert variables["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"] == leases.__name__
        assert variables["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"] == "events,flow_runs"
    assert "/home/rlhf/.prefect" in (DEPLOY / "image/Dockerfile").read_text()
