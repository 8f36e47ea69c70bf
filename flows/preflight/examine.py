"""All checks, in the order in which a person would ask. None changes anything."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from components.config import load_params
from components.config.servers import ServersParams
from flows.preflight import access, databases, files, gpu, leftovers, machine, ports, remote, versions
from flows.preflight.findings import Finding, warning

Check = Callable[[Path, ServersParams], Iterator[Finding]]

_CHECKS: tuple[Check, ...] = (
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
    return [finding for check in _CHECKS for finding in _said(check, root, servers)]


def _said(check: Check, root: Path, servers: ServersParams) -> list[Finding]:
    """What a check says. One that hangs or cannot look says that much, and hinders no other."""
    try:
        return list(check(root, servers))
    except subprocess.TimeoutExpired as error:
        what = f"{_program(error.cmd)} gave no answer within {error.timeout:g} s"
    except OSError as error:
        what = f"it cannot be looked at ({error})"
    name = check.__name__.removeprefix("check_")
    return [warning(name, what, "mend that, then `rlhf doctor` again; what needs it may fail")]


def _program(command: object) -> str:
    words = command if isinstance(command, list) else [command]
    return " ".join(Path(str(word)).name for word in words[:3])
