"""How long `rlhf up` takes from nothing until both interfaces answer, and whether `rlhf down` leaves anything; twice.

`python -m benchmarks.up [--cycles 2]`, in a temporary copy of the project's settings, on free ports. With `--kill` also
how long a flow run that was SIGKILLed stays RUNNING, with the times that `rlhf up` sets.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from flows.up.orphans import marked

PROJECT = Path(__file__).parents[1]
_COPIED = ("params.yaml", "dvc.yaml", ".dvc/config", ".dvcignore", ".gitignore")
_FLOW = """
import time
from prefect import flow

@flow
def sleeper():
    print("runs", flush=True)
    time.sleep(600)

sleeper()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=2)
    parser.add_argument("--kill", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rlhf-up-") as name:
        root = Path(name) / "workspace"
        _make(root)
        for cycle in range(1, asked.cycles + 1):
            begun = time.monotonic()
            up = subprocess.Popen(
                [*_RLHF, "up", "--json"], cwd=root, env=_ENVIRONMENT, stdout=subprocess.PIPE
            )
            answered = _wait_for_both(root, begun)
            told = json.loads(up.communicate()[0])
            print(
                f"cycle {cycle}: both interfaces after {answered:.1f} s, all after {time.monotonic() - begun:.1f} s"
            )
            if asked.kill:
                print(f"  a SIGKILLed run is CRASHED after {_seconds_until_crashed(told['prefect']):.0f} s")
            begun = time.monotonic()
            subprocess.run(
                [*_RLHF, "down"], cwd=root, env=_ENVIRONMENT, check=True, stdout=subprocess.DEVNULL
            )
            print(f"  down after {time.monotonic() - begun:.1f} s; processes left: {len(marked(root))}")


_RLHF = (sys.executable, "-m", "flows.cli")
_ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_", "RLHF_"))
} | {"PYTHONPATH": str(PROJECT)}


def _make(root: Path) -> None:
    (root / ".dvc").mkdir(parents=True)
    for name in _COPIED:
        shutil.copy(PROJECT / name, root / name)
    with ExitStack() as held:
        free = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        prefect, mlflow = (listener.getsockname()[1] for listener in free)
    text = re.sub(r"prefect_port: \d+", f"prefect_port: {prefect}", (root / "params.yaml").read_text())
    (root / "params.yaml").write_text(re.sub(r"mlflow_port: \d+", f"mlflow_port: {mlflow}", text))
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)


def _wait_for_both(root: Path, begun: float) -> float:
    """Seconds until the first pages came from both."""
    text = (root / "params.yaml").read_text()
    ports = re.findall(r"(?:prefect|mlflow)_port: (\d+)", text)
    while not all(_answers(f"http://127.0.0.1:{port}/") for port in ports):
        time.sleep(0.1)
    return time.monotonic() - begun


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - this machine
    except (urllib.error.URLError, OSError):
        return False
    return True


def _seconds_until_crashed(prefect: str) -> float:
    environment = _ENVIRONMENT | {
        "PREFECT_API_URL": f"{prefect}/api",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    }
    command = [sys.executable, "-c", _FLOW]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if process.stdout:
        process.stdout.readline()
    # The first sign of life is on its way.
    time.sleep(5)
    process.kill()
    process.communicate()
    begun = time.monotonic()
    while _states(prefect) != ["CRASHED"]:
        time.sleep(1)
    return time.monotonic() - begun


def _states(prefect: str) -> list[Any]:
    body = json.dumps(
        {"flows": {"name": {"any_": ["sleeper"]}}, "limit": 1, "sort": "EXPECTED_START_TIME_DESC"}
    )
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{prefect}/api/flow_runs/filter", body.encode(), headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return [run["state_type"] for run in json.load(answer)]


if __name__ == "__main__":
    main()
