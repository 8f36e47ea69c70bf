"""Whether DVC has somewhere to bring the feedback to, and reaches it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from components.config.servers import ServersParams
from components.tracking.tracker import without_login
from flows.dvc import TRACKED
from flows.preflight.files import nearest
from flows.preflight.findings import Finding, ok, problem, warning

_ASK_S, _CONNECT_S = 30.0, 5.0
_DEFAULT = re.compile(r"^core\.remote=(.*)$", re.M)
_PORTS = {"http": 80, "https": 443, "webdav": 80, "webdavs": 443, "ssh": 22}
_KEPT = "make it reachable; until then feedback is kept here and pushed by the next ingestion"
#: DVC's plugin for an address that begins so.
_PLUGINS = {"s3": "dvc_s3", "gs": "dvc_gs", "azure": "dvc_azure", "ssh": "dvc_ssh", "webdav": "dvc_webdav"}


def check_remote(root: Path, _servers: ServersParams) -> Iterator[Finding]:
    config = _dvc(root, "config", "--list")
    if config.returncode:
        yield problem(
            "DVC", f"`dvc config` failed: {_last(config.stderr)}", "`dvc init`, or mend .dvc/config"
        )
        return
    name = _DEFAULT.search(config.stdout)
    url = _setting(config.stdout, name[1], "url") if name else None
    if name is None or url is None:
        yield warning(
            "DVC remote",
            "none is set: feedback is kept on this disk alone",
            "`dvc remote add --default NAME URL`",
        )
    elif "://" in url:
        yield _check_far(root, name[1], url, _setting(config.stdout, name[1], "endpointurl"))
    else:
        yield _check_near(root, name[1], url)


def _setting(config: str, name: str, setting: str) -> str | None:
    start = f"remote.{name}.{setting}="
    return next((line.removeprefix(start) for line in config.splitlines() if line.startswith(start)), None)


def _check_near(root: Path, name: str, url: str) -> Finding:
    # In the file it is relative to .dvc; DVC lists it as it stands there.
    folder = Path(os.path.normpath(root / ".dvc" / url))
    there = nearest(folder)
    if not os.access(there, os.W_OK | os.X_OK):
        return problem("DVC remote", f"{name}: {there} cannot be written", "mount it, or `dvc remote modify`")
    return ok("DVC remote", f"{name}: {folder}" + ("" if folder.exists() else " (made at the first push)"))


def _check_far(root: Path, name: str, url: str, endpoint: str | None) -> Finding:
    scheme = url.partition("://")[0]
    plugin = _PLUGINS.get(scheme)
    shown = without_login(url)
    if plugin and find_spec(plugin) is None:
        return problem("DVC remote", f"{name}: {shown} needs {plugin}", f"`pip install dvc-{scheme}`")
    unreachable = _unreachable(endpoint or url) or _refused(root)
    if unreachable:
        return warning("DVC remote", f"{name}: {shown}: {unreachable}", _KEPT)
    return ok("DVC remote", f"{name}: {shown}")


def _unreachable(url: str) -> str:
    """Why nothing answers at the address, where it is one of a host: DVC takes silence for an empty remote."""
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme)
    if parts.hostname is None or port is None:
        return ""
    try:
        socket.create_connection((parts.hostname, port), timeout=_CONNECT_S).close()
    except OSError as error:
        return f"{parts.hostname}:{port} does not answer ({error})"
    return ""


def _refused(root: Path) -> str:
    """What DVC complains of when it asks for the feedback: a login, say. Without feedback there is no question."""
    if not (root / TRACKED).exists():
        return ""
    try:
        done = _dvc(root, "status", "--cloud", str(TRACKED))
    except subprocess.TimeoutExpired:
        return f"no answer within {_ASK_S:g} s"
    return _last(done.stderr) if done.returncode else ""


def _dvc(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dvc", *words]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=_ASK_S)


def _last(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it said nothing")
