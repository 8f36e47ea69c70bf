"""The programs that `rlhf up` keeps running: what each is started with, and how one sees that it works."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from components.config.servers import ServersParams
from components.tracking.tracker import embedded_uri
from components.workspace import STATE
from flows.up.access import local_host, url_of, wants_mlflow_login
from flows.up.finding import login

PREFECT, MLFLOW, ZOMBIES, SERVE = "prefect", "mlflow", "zombies", "serve"

#: In the environment of everything that `rlhf up` starts: whose it is, and which program's.
MARK, PART = "RLHF_UP", "RLHF_UP_PROGRAM"

_PROBE_S = 5.0
# No proxy of the environment: the servers are on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Program:
    """One program.

    Attributes:
        command: what to run, in the project's folder; nothing secret stands in it.
        variables: added to the environment.
        works: asks whether it does what it is for.
        after: programs that must work before this one is started.
        patience_s: what it may take to end itself.
        url, address: of its page, where it has one.
        makes_tables: its start may change this database's tables: alone, with this lock file held.
        is_step: it ends by itself when its work is done.
    """

    name: str
    command: tuple[str, ...]
    variables: Mapping[str, str]
    works: Callable[[], bool]
    after: tuple[str, ...] = ()
    patience_s: float = 15.0
    url: str = ""
    address: tuple[str, int] | None = None
    makes_tables: Path | None = None
    is_step: bool = False


def programs(root: Path, servers: ServersParams) -> list[Program]:
    """In the order of their start; they are ended the other way round."""
    host = local_host(servers.host)
    prefect, mlflow = url_of(host, servers.prefect_port), url_of(host, servers.mlflow_port)
    clients = login() | {"PREFECT_API_URL": f"{prefect}/api", "MLFLOW_TRACKING_URI": mlflow}
    # What runs say goes to the log: nobody sits before it.
    clients |= {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO"}
    made = [
        _prefect(root, servers, prefect),
        _mlflow(root, servers, mlflow),
        Program(
            ZOMBIES, _module("flows.up.zombies"), clients, works=lambda: False, after=(PREFECT,), is_step=True
        ),
        # A stage that is told to end may write a checkpoint first (flows/processes.py).
        Program(
            SERVE,
            _module("flows.cli", "serve"),
            clients,
            works=lambda: _has_deployments(prefect),
            after=(PREFECT,),
            patience_s=45.0,
        ),
    ]
    return [_marked(root, program) for program in made]


def _prefect(root: Path, servers: ServersParams, url: str) -> Program:
    listen = ("--host", servers.host, "--port", str(servers.prefect_port))
    variables = {
        "PREFECT_API_URL": f"{url}/api",
        "PREFECT_SERVER_UI_API_URL": os.environ.get("PREFECT_SERVER_UI_API_URL", f"{url}/api"),
        # By default every page of the web may use a server that a browser reaches.
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": url,
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING",
    }
    return Program(
        PREFECT,
        _module("prefect", "server", "start", *listen),
        variables,
        works=lambda: _answers(f"{url}/api/health"),
        url=url,
        address=(local_host(servers.host), servers.prefect_port),
        # As flows/server.py: two servers that make one database's tables at once crash.
        makes_tables=root / STATE / "prefect.lock",
    )


def _mlflow(root: Path, servers: ServersParams, url: str) -> Program:
    listen = (str(root), servers.host, str(servers.mlflow_port))
    with_login = ("--login",) if wants_mlflow_login() else ()
    variables = {
        "MLFLOW_TRACKING_URI": embedded_uri(root),
        # Else eight processes more, for jobs that nobody here gives.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    return Program(
        MLFLOW,
        _module("components.tracking.lasting_server", *listen, *with_login),
        variables,
        works=lambda: _answers(f"{url}/health"),
        url=url,
        address=(local_host(servers.host), servers.mlflow_port),
    )


def _marked(root: Path, program: Program) -> Program:
    marks = {MARK: str(root.resolve()), PART: program.name}
    return replace(program, variables={**program.variables, **marks})


def log_file(root: Path, name: str) -> Path:
    return log_folder(root) / f"{name}.log"


def log_folder(root: Path) -> Path:
    return root / STATE / "up"


def _module(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *words)


def _answers(url: str) -> bool:
    try:
        _OPENER.open(url, timeout=_PROBE_S).close()
    except (urllib.error.URLError, OSError, ValueError):
        return False
    return True


def _has_deployments(url: str) -> bool:
    """Whether Prefect knows a deployment: at the latest then it knows those of `rlhf serve`."""
    headers = {"Content-Type": "application/json"} | _authorization()
    request = urllib.request.Request(f"{url}/api/deployments/count", b"{}", headers)  # noqa: S310 - http
    try:
        with _OPENER.open(request, timeout=_PROBE_S) as answer:
            return int(json.load(answer)) > 0
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _authorization() -> dict[str, str]:
    password = os.environ.get("PREFECT_API_AUTH_STRING") or login().get("PREFECT_API_AUTH_STRING")
    return {"Authorization": f"Basic {b64encode(password.encode()).decode()}"} if password else {}
