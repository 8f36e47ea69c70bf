"""All checks, in the order in which a person would ask. None changes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from components.config import load_params
from components.config.servers import ServersParams
from flows.preflight import access, databases, files, gpu, leftovers, machine, ports, remote, versions
from flows.preflight.findings import Finding

_CHECKS: tuple[Callable[[Path, ServersParams], Iterator[Finding]], ...] = (
    machine.check_python,
    versions.check_libraries,
    machine.check_git,
    machine.check_clock,
    files.check_disk,
    files.check_folders,
    databases.check_databases,
    access.check_access,
    access.check_variables,
    ports.check_ports,
    remote.check_remote,
    gpu.check_gpu,
    leftovers.check_leftovers,
)


def examine(root: Path) -> list[Finding]:
    """What every check says.

    Raises:
        ConfigError: params.yaml is at fault; nothing else can be said before that is mended.
    """
    servers = load_params(root / "params.yaml").servers
    return [finding for check in _CHECKS for finding in check(root, servers)]
