"""A process that has imported what the stages import, and forks itself for each of them.

A stage's process takes ten seconds to import torch and its friends, and two to do its work here. What is forked is a
process of its own, killed by real signals, which then runs the stage as `python -m components.stages.X` does.
`python -m benchmarks.fault_injection.warm SOCKET` serves; a stage's end of the connection gets its number and its
exit status, and a stage whose asker is gone kills itself, as one in a killed process group does.
"""

from __future__ import annotations

import importlib
import json
import os
import selectors
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

STAGES = ("prepare", "sft", "reward_model", "judge", "ppo", "select", "dpo", "evaluate")
TRAINING = ("sft", "reward_model", "judge", "ppo", "dpo")
_MOST_BYTES = 1 << 20


def main() -> None:
    for stage in STAGES:
        importlib.import_module(f"components.stages.{stage}")
    # The stage `evaluate` imports it when it draws; coarsely here, for plots are most of its time.
    importlib.import_module("matplotlib.pyplot")
    importlib.import_module("components.pages.plots").DPI = 10
    import torch

    torch.set_num_threads(1)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen()
        print("warm", flush=True)
        _serve(listener)


def _serve(listener: socket.socket) -> None:
    """Fork for each that asks; tell each what became of its stage. Ends with the process that started it."""
    asked: dict[int, socket.socket] = {}
    woken, wakes = socket.socketpair()
    for end in (woken, wakes):
        end.setblocking(False)
    signal.set_wakeup_fd(wakes.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with selectors.DefaultSelector() as selector:
        for source in (listener, woken, sys.stdin):
            selector.register(source, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in selector.select()]
            if sys.stdin in ready:
                return
            if woken in ready:
                woken.recv(4096)
                _tell_ends(asked)
            if listener in ready:
                _fork(listener, asked)


def _fork(listener: socket.socket, asked: dict[int, socket.socket]) -> None:
    connection, _ = listener.accept()
    data, fds, _, _ = socket.recv_fds(connection, _MOST_BYTES, 2)
    pid = os.fork()
    if pid == 0:
        listener.close()
        for other in asked.values():
            other.close()
        _run(json.loads(data), fds, connection)
    for fd in fds:
        os.close(fd)
    asked[pid] = connection
    with suppress(OSError):
        connection.sendall(f"{pid}\n".encode())


def _tell_ends(asked: dict[int, socket.socket]) -> None:
    while asked:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with suppress(OSError), asked.pop(pid) as connection:
            connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _run(wanted: dict[str, Any], fds: list[int], connection: socket.socket) -> None:
    """Be the stage. Never returns."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, fd in enumerate(fds, start=1):
            os.dup2(fd, number)
        sys.stdin = open(os.devnull)  # noqa: SIM115, PTH123
        os.environ.clear()
        os.environ.update(wanted["environment"])
        os.chdir(wanted["folder"])
        threading.Thread(target=_die_with_asker, args=(connection,), daemon=True).start()
        run_stage_of(wanted["stage"], wanted["hurt"])
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - as Python itself: told, and the end
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _die_with_asker(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


def run_stage_of(stage: str, hurt: dict[str, Any]) -> None:
    """Run a stage as its module does, hurt as it is asked for (benchmarks/fault_injection/hurts.py)."""
    from benchmarks.fault_injection.hurts import hurting
    from components.stages.launching import run_training_stage
    from components.stages.running import run_stage

    with hurting(Path.cwd(), **hurt):
        module = importlib.import_module(f"components.stages.{stage}")
        (run_training_stage if stage in TRAINING else run_stage)(module.main, stage)


if __name__ == "__main__":
    main()
