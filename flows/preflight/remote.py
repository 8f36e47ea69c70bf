"""Whether DVC has somewhere to bring the feedback to, and reaches it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from components.config.servers import ServersParams
from flows.dvc import TRACKED
from flows.preflight.files import nearest
from flows.preflight.findings import Finding, ok, problem, warning

_ASK_S = 30.0
_DEFAULT, _URL = re.compile(r"^core\.remote=(.*)$", re.M), "remote.{name}.url="
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
    url = _url(config.stdout, name[1]) if name else None
    if name is None or url is None:
        yield warning(
            "DVC remote",
            "none is set: feedback is kept on this disk alone",
            "`dvc remote add --default NAME URL`",
        )
    elif "://" in url:
        yield _check_far(root, name[1], url)
    else:
        yield _check_near(root, name[1], url)


def _url(config: str, name: str) -> str | None:
    start = _URL.format(name=name)
    return next((line.removeprefix(start) for line in config.splitlines() if line.startswith(start)), None)


def _check_near(root: Path, name: str, url: str) -> Finding:
    # In the file it is relative to .dvc; DVC lists it as it stands there.
    folder = Path(os.path.normpath(root / ".dvc" / url))
    there = nearest(folder)
    if not os.access(there, os.W_OK | os.X_OK):
        return problem("DVC remote", f"{name}: {there} cannot be written", "mount it, or `dvc remote modify`")
    return ok("DVC remote", f"{name}: {folder}" + ("" if folder.exists() else " (made at the first push)"))


def _check_far(root: Path, name: str, url: str) -> Finding:
    scheme = url.partition("://")[0]
    plugin = _PLUGINS.get(scheme)
    shown = re.sub(r"(\w://)[^/@\s]*@", r"\1", url)
    if plugin and find_spec(plugin) is None:
        return problem("DVC remote", f"{name}: {shown} needs {plugin}", f"`pip install dvc-{scheme}`")
    if not (root / TRACKED).exists():
        return ok("DVC remote", f"{name}: {shown}, not asked yet: there is no feedback")
    return _ask(root, name, shown)


def _ask(root: Path, name: str, shown: str) -> Finding:
    """What it has of the feedback: the question needs its address, its login and its answer."""
    remedy = "make it reachable; until then feedback is kept here and pushed by the next ingestion"
    try:
        done = _dvc(root, "status", "--cloud", str(TRACKED))
    except subprocess.TimeoutExpired:
        return warning("DVC remote", f"{name}: {shown} did not answer within {_ASK_S:g} s", remedy)
    if done.returncode:
        return warning("DVC remote", f"{name}: {shown}: {_last(done.stderr)}", remedy)
    return ok("DVC remote", f"{name}: {shown} answers")


def _dvc(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dvc", *words]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=_ASK_S)


def _last(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it said nothing")
