"""The server of the page: one process on one address, which ends when it is told to."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from components.errors import RlhfError

#: Requests at once; more are answered with 503, and a browser's person tries again.
_MOST_REQUESTS = 512
#: How long answers that are on their way may take when the server is told to end.
_LAST_S = 5


class _Server(uvicorn.Server):
    """Ends with status 0 on SIGTERM and Ctrl-C: to be told to end is no failure of a server."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def listen(host: str, port: int, setting: str) -> socket.socket:
    """A socket at the address; port 0 is any that is free.

    Args:
        setting: of params.yaml that says which port it is.

    Raises:
        RlhfError: the address is taken, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        what = f"cannot listen at {host}, port {port}: {error.strerror or error}"
        raise RlhfError(what, f"end what has the port, or give another one: --port, or {setting}") from None


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Answer until told to end. No request is logged: addresses of invitations are secrets."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        ws="none",
        limit_concurrency=_MOST_REQUESTS,
        timeout_graceful_shutdown=_LAST_S,
    )
    _Server(config).run(sockets=[listener])
