"""What DVC runs in place of `python -m components.stages.X`: it has a warm process forked for the stage, and is it.

Imports nothing of the project: it starts in a few milliseconds.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from typing import Any


def ask(address: str, stage: str, folder: str, outputs: list[int], **hurt: Any) -> tuple[socket.socket, int]:
    """Have a stage's process forked; returns the connection that it lives by, and its number."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    wanted = {"stage": stage, "folder": folder, "environment": dict(os.environ), "hurt": hurt}
    socket.send_fds(connection, [json.dumps(wanted).encode()], outputs)
    return connection, int(line(connection))


def line(connection: socket.socket) -> str:
    """The next line; empty where the other end is gone."""
    found = b""
    while not found.endswith(b"\n"):
        part = connection.recv(1)
        if not part:
            break
        found += part
    return found.decode().strip()


def main() -> None:
    connection, pid = ask(sys.argv[1], sys.argv[2], os.getcwd(), [1, 2])  # noqa: PTH109 - no pathlib: quick
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: os.kill(pid, number))
    status = int(line(connection) or -signal.SIGKILL)
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
        os.kill(os.getpid(), -status)
    sys.exit(status)


if __name__ == "__main__":
    main()
