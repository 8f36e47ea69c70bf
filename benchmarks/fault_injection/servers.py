"""Real servers of MLflow and Prefect that can be killed, stopped and started again at the same place."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

START_S = 300.0


class Server:
    """A server in a process group of its own, its data in `home`, on a port of the loopback interface that stays."""

    def __init__(self, home: Path, words: list[str], health: str, port: int, **variables: str) -> None:
        self.home = home
        self.words = words
        self.url = f"http://127.0.0.1:{port}"
        self._health = f"{self.url}{health}"
        self._environment = os.environ | variables
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [sys.executable, "-m", *self.words]
        self._process = subprocess.Popen(command, env=self._environment, start_new_session=True, **quiet)
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert time.monotonic() < deadline, f"{self.words[0]} does not start"
            time.sleep(0.2)

    def send(self, number: signal.Signals) -> None:
        """A signal to all its processes."""
        if self._process is not None:
            os.killpg(self._process.pid, number)

    def kill(self) -> None:
        if self._process is not None:
            self.send(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self._health, timeout=5).close()  # noqa: S310 - of this machine
        except (urllib.error.URLError, OSError):
            return False
        return True


def mlflow_server(home: Path, port: int) -> Server:
    """With its database and artefacts in `home`."""
    home.mkdir(parents=True, exist_ok=True)
    words = ["mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words += [
        "--backend-store-uri",
        f"sqlite:///{home}/mlflow.db",
        "--artifacts-destination",
        str(home / "artifacts"),
    ]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return Server(home, words, "/health", port, DO_NOT_TRACK="true", **quiet)


def prefect_server(home: Path, port: int) -> Server:
    """With its database in `home`."""
    words = ["uvicorn", "--factory", "prefect.server.api.server:create_app", "--port", str(port)]
    quiet = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "true"}
    return Server(
        home, [*words, "--log-level", "error"], "/api/health", port, PREFECT_HOME=str(home), **quiet
    )


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """It runs when the block begins, and not after it."""
    server.start()
    try:
        yield server
    finally:
        server.kill()


class _Failing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(500)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - as the library asks

    def log_message(self, *_: object) -> None: ...  # type: ignore[override]


@contextmanager
def answering_500(port: int) -> Iterator[None]:
    """A server that fails at whatever it is asked."""
    with ThreadingHTTPServer(("127.0.0.1", port), _Failing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
