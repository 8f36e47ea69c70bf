"""Workspaces for `rlhf up`, on free ports."""

import re
import shutil
import socket
import subprocess
from contextlib import ExitStack

from tracking.fake_workspace import PROJECT


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
