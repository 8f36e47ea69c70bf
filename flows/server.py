"""Prefect's API for the length of one command: a server of our own, unless PREFECT_API_URL names another.

Prefect starts such a server itself when none is set, but leaves it behind when its process is killed, and
lets Ctrl-C end it before the run's last state is told. This one sits in its own process group.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from components.errors import RlhfError
from components.locks import exclusive
from components.workspace import STATE
from flows.processes import running
from flows.up.finding import wait_for_prefect

#: At its first start the server makes its tables: 10 s here, a minute on a slow machine.
START_TIMEOUT_S = 180.0


@contextmanager
def prefect_api(root: Path, meanwhile: Callable[[], None]) -> Iterator[None]:
    """Prefect's API is there for the block. To be entered before Prefect is imported.

    Args:
        meanwhile: imports what the block needs; called while the server starts, which takes as long.

    Raises:
        RlhfError: the embedded server does not start.
    """
    if known := os.environ.get("PREFECT_API_URL") or wait_for_prefect(root):
        os.environ["PREFECT_API_URL"] = known
        meanwhile()
        with _clear_where_away():
            yield
        return
    with ExitStack() as until_the_end:
        # Two servers that make one database's tables at once crash: the second waits until the first is up.
        with exclusive(root / STATE / "prefect.lock"):
            url = until_the_end.enter_context(_server(root))
            os.environ["PREFECT_API_URL"] = url
            until_the_end.callback(os.environ.pop, "PREFECT_API_URL")
            meanwhile()
            _wait_until_up(url, _log_file(root))
        try:
            yield
        finally:
            _drain()


@contextmanager
def _clear_where_away() -> Iterator[None]:
    """What Prefect's client says where its server does not answer, as an error that names a remedy."""
    import httpx

    try:
        yield
    except (RuntimeError, httpx.TransportError) as error:
        if isinstance(error, RuntimeError) and "Failed to reach API" not in str(error):
            raise
        raise RlhfError(
            f"Prefect's server does not answer: {type(error).__name__}: {error}",
            "`rlhf doctor` tells whether it runs; or unset PREFECT_API_URL to do without one that lasts",
        ) from error


@contextmanager
def _server(root: Path) -> Iterator[str]:
    """A starting server's URL. The socket listens already: requests wait until the server answers them."""
    log = _log_file(root)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as output, socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"]
        command += ["--fd", str(listener.fileno()), "--log-level", "error", "--lifespan", "on"]
        options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
        port = listener.getsockname()[1]
        with running(command, env=_environment(), pass_fds=[listener.fileno()], **options):
            # Only the server holds the socket now: should it die, requests fail instead of waiting.
            listener.close()
            yield f"http://127.0.0.1:{port}/api"


def _environment() -> dict[str, str]:
    """As Prefect starts its own temporary server: no web pages, no scheduler, nothing to reload."""
    ephemeral = {"PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1", "PREFECT_UI_ENABLED": "0"}
    return {**os.environ, **ephemeral}


def _log_file(root: Path) -> Path:
    return root / STATE / "prefect" / "server.log"


def _wait_until_up(url: str, log: Path) -> None:
    # No proxy of the environment: the server is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(f"{url}/health", timeout=START_TIMEOUT_S).close()
    except (urllib.error.URLError, OSError) as error:
        tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise RlhfError(
            f"Prefect's embedded server does not start ({error}) {' '.join(tail)}",
            f"read {log}; or set PREFECT_API_URL to a server that runs",
        ) from None


def _drain() -> None:
    """Send what logs and events still wait, before their server goes."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all()
