"""Who could reach the servers, and whether the commands would find them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from components.config.servers import ServersParams
from components.tracking.tracker import embedded_uri, without_login
from flows.preflight.findings import Finding, ok, problem, warning
from flows.up.access import is_loopback, is_wildcard, missing_passwords, wants_mlflow_login
from flows.up.finding import lasting_servers


def check_access(_root: Path, servers: ServersParams) -> Iterator[Finding]:
    if wants_mlflow_login():
        yield from _check_mlflow_login()
    if is_loopback(servers.host):
        yield ok("access", f"the servers listen at {servers.host}: this machine alone reaches them")
        return
    missing = missing_passwords()
    if missing:
        yield problem(
            "access",
            f"servers.host is {servers.host}, which other machines reach, and unset are: {', '.join(missing)}",
            "set them in the environment, or servers.host to 127.0.0.1",
        )
        return
    if is_wildcard(servers.host) and not os.environ.get("PREFECT_SERVER_UI_API_URL"):
        yield problem(
            "access",
            f"servers.host is {servers.host}: Prefect's page would not know by which name it is reached",
            "set servers.host to this machine's address or name, or PREFECT_SERVER_UI_API_URL to "
            f"http://NAME:{servers.prefect_port}/api",
        )
        return
    yield ok(
        "access", f"the servers listen at {servers.host} and ask for a login; use HTTPS in front of them"
    )


def _check_mlflow_login() -> Iterator[Finding]:
    path = Path(os.environ["MLFLOW_AUTH_CONFIG_PATH"])
    if not path.is_file():
        yield problem(
            "access",
            f"MLFLOW_AUTH_CONFIG_PATH names {path}, which is not there",
            "take deploy/mlflow-auth/basic_auth.ini",
        )
    if find_spec("flask_wtf") is None:
        yield problem(
            "access", "MLflow's basic auth needs Flask-WTF", "`pip install -e '.[auth]' -c constraints.txt`"
        )


def check_variables(root: Path, _servers: ServersParams) -> Iterator[Finding]:
    """A variable that sends the commands elsewhere than to the servers that `rlhf up` starts."""
    ours = {"MLFLOW_TRACKING_URI": embedded_uri(root)} | lasting_servers(root)
    elsewhere = {
        name: value
        for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI")
        if (value := os.environ.get(name)) and value not in (ours.get(name), embedded_uri(root))
    }
    for name, value in elsewhere.items():
        yield warning(
            "environment",
            f"{name} is {without_login(value)}: commands go there, and not to a server that `rlhf up` starts",
            f"`unset {name}` to use those of this workspace",
        )
    if not elsewhere:
        yield ok("environment", "the commands find this workspace's servers by themselves")
