"""Whether the ports are free, and who holds them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil

from components.config.servers import ServersParams
from flows.preflight.findings import Finding, ok, problem
from flows.up.access import local_host
from flows.up.orphans import marked
from flows.up.record import answers, read_record


def check_ports(root: Path, servers: ServersParams) -> Iterator[Finding]:
    if servers.prefect_port == servers.mlflow_port:
        yield problem(
            "ports",
            f"servers.prefect_port and servers.mlflow_port are both {servers.prefect_port}",
            "give each a port of its own in params.yaml",
        )
        return
    for name, port in (("prefect", servers.prefect_port), ("mlflow", servers.mlflow_port)):
        yield _check(root, servers.host, name, port)


def _check(root: Path, host: str, name: str, port: int) -> Finding:
    said = _cannot_listen(host, port)
    if not said:
        return ok("ports", f"{name}: port {port} of {host} is free")
    record = read_record(root)
    ours = record.programs.get(name) if record else None
    if ours and ours.address == (local_host(host), port) and answers(ours):
        return ok("ports", f"{name}: this workspace's own server answers at {ours.url}")
    holder = _holder(port)
    if holder is not None and holder.pid in {each.pid for each in marked(root)}:
        return ok("ports", f"{name}: port {port} is held by what this workspace's `rlhf up` left or starts")
    return problem(
        "ports",
        f"{name}: port {port} of {host}: {said}; {_describe(holder)}",
        f"end that process, or set servers.{name}_port in params.yaml to another port, such as {_free_port(host)}",
    )


def _cannot_listen(host: str, port: int) -> str:
    """Why nothing can listen there; "" where it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as asked:
            asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            asked.bind((host, port))
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _holder(port: int) -> psutil.Process | None:
    """Who listens there, as far as this user may see."""
    try:
        listening = (
            each
            for each in psutil.net_connections(kind="tcp")
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port and each.pid
        )
        found = next(listening, None)
        return psutil.Process(found.pid) if found else None
    except (psutil.Error, OSError):
        return None


def _describe(process: psutil.Process | None) -> str:
    """Its number, name, user and start; not its arguments, in which secrets may stand."""
    if process is None:
        return "who holds it cannot be seen by this user"
    try:
        since = datetime.fromtimestamp(process.create_time(), UTC).isoformat(timespec="seconds")
        return f"process {process.pid} ({process.name()}) of {process.username()} holds it since {since}"
    except psutil.Error:
        return f"process {process.pid} holds it"


def _free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server(("::1" if ":" in host else "127.0.0.1", 0), family=family) as listener:
        port: int = listener.getsockname()[1]
        return port
