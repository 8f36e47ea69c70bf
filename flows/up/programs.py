"""The programs that `rlhf up` keeps running: what each is started with, and how one sees that it works."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path

from components.config import Params
from components.config.retention import RetentionParams
from components.config.servers import ServersParams
from components.tracking.tracker import embedded_uri
from components.workspace import STATE
from flows.up.access import local_host, url_of, wants_mlflow_login
from flows.up.finding import login
from flows.up.signs import SIGN, is_fresh

PREFECT, MLFLOW, ZOMBIES, SERVE = "prefect", "mlflow", "zombies", "serve"

#: In the environment of everything that `rlhf up` starts: whose it is, and which program's.
MARK, PART = "RLHF_UP", "RLHF_UP_PROGRAM"

_PROBE_S = 5.0
#: Prefect refuses to remove runs within an hour of their end.
_DAY_S, _SHORTEST_S = 86_400.0, 3_601.0
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
        unanswered: it hangs when so many looks in a row find that it does not work.
        sign: a file by which it shows that it works; one that an earlier process left says nothing.
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
    unanswered: int = 4
    sign: Path | None = None


def programs(root: Path, params: Params) -> list[Program]:
    """In the order of their start; they are ended the other way round."""
    servers = params.servers
    host = local_host(servers.host)
    prefect, mlflow = url_of(host, servers.prefect_port), url_of(host, servers.mlflow_port)
    clients = login() | {"PREFECT_API_URL": f"{prefect}/api", "MLFLOW_TRACKING_URI": mlflow}
    # What runs say goes to the log: nobody sits before it.
    clients |= {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO"}
    made = [
        _prefect(root, params, prefect),
        _mlflow(root, servers, mlflow),
        Program(
            ZOMBIES, _module("flows.up.zombies"), clients, works=lambda: False, after=(PREFECT,), is_step=True
        ),
        _serve(root, clients),
    ]
    return [_marked(root, program) for program in made]


def _serve(root: Path, clients: Mapping[str, str]) -> Program:
    return Program(
        SERVE,
        _module("flows.cli", "serve"),
        clients,
        works=lambda: is_fresh(root / SIGN),
        after=(PREFECT,),
        # A stage that is told to end may write a checkpoint first (flows/processes.py).
        patience_s=45.0,
        # Its pauses between two tries to reach Prefect grow to two minutes: it gets four to find Prefect there again.
        unanswered=16,
        sign=root / SIGN,
    )


def _prefect(root: Path, params: Params, url: str) -> Program:
    servers = params.servers
    listen = ("--host", servers.host, "--port", str(servers.prefect_port))
    variables = {
        "PREFECT_API_URL": f"{url}/api",
        "PREFECT_SERVER_UI_API_URL": os.environ.get("PREFECT_SERVER_UI_API_URL", f"{url}/api"),
        # By default every page of the web may use a server that a browser reaches.
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": url,
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING",
        # In memory, as by default, a restart would lose the leases, and with them every run that has one.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "flows.up.leases",
        **_forgetting(params.retention),
    }
    return Program(
        PREFECT,
        _module("prefect", "server", "start", *listen),
        variables,
        works=lambda: _answers(f"{url}/api/health"),
        url=url,
        address=(local_host(servers.host), servers.prefect_port),
        # On a disk that stalls, SQLite lets a writer wait for a minute, and the server with it. To start it anew then
        # crashes the runs that are just beginning; those at work can do without it for four minutes.
        unanswered=8,
        # As flows/server.py: two servers that make one database's tables at once crash.
        makes_tables=root / STATE / "prefect.lock",
    )


def _forgetting(retention: RetentionParams) -> dict[str, str]:
    """Prefect keeps flow runs for ever unless it is told to remove them, with their logs, each hour."""
    days = max(retention.logs_days, retention.grace_days)
    return {
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(max(days * _DAY_S, _SHORTEST_S)),
    }


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
    except (urllib.error.URLError, HTTPException, OSError, ValueError):
        # HTTPException: something listens there that does not speak HTTP, or dies while it answers.
        return False
    return True
