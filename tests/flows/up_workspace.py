"""Workspaces for `rlhf up`, on free ports, and questions to what runs there."""

import base64
import re
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from contextlib import ExitStack

from tracking.fake_workspace import PROJECT

from flows.up.orphans import marked


def free_ports(count):
    """Ports that are free now, no two alike."""
    with ExitStack() as held:
        found = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in found]


def take_free_ports(root):
    """Write free ports into params.yaml."""
    path = root / "params.yaml"
    prefect, mlflow = free_ports(2)
    text = re.sub(r"prefect_port: \d+", f"prefect_port: {prefect}", path.read_text())
    path.write_text(re.sub(r"mlflow_port: \d+", f"mlflow_port: {mlflow}", text))


def write_bare_workspace(root):
    """What `rlhf doctor` looks at, and nothing that could be trained."""
    (root / ".dvc").mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml", ".dvc/config", ".dvcignore", ".gitignore"):
        shutil.copy(PROJECT / name, root / name)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    take_free_ports(root)
    return root


def status_of(url, login=None, **headers):
    """Status, headers and content of a page."""
    if login:
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - a local http address
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, b""


def assert_untold(root, secrets):
    """In no arguments, logs or record; the databases keep digests of passwords."""
    texts = [" ".join(each.cmdline()) for each in marked(root)]
    assert len(texts) >= 3
    for path in (root / ".rlhf").rglob("*"):
        if path.is_file() and path.suffix in (".json", ".log", ".lock", ".toml"):
            texts.append(path.read_text(errors="replace"))
    assert [secret for secret in secrets for text in texts if secret in text] == []
