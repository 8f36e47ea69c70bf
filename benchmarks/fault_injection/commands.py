"""The command `rlhf` as a person or a scheduler starts it, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

PROJECT = Path(__file__).parents[2]
OURS = ("PREFECT_", "MLFLOW_", "DVC_", "RLHF_")


def hear_ctrl_c() -> None:
    """As in a terminal: a shell without job control has what it starts with `&` ignore Ctrl-C, and all below that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Command:
    """`rlhf` as a person runs it, in a folder; each process it starts can be told by a mark in its environment."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        named = {"RLHF_AUTHOR": "trainer", "RLHF_TEST_MARK": self.mark, "PYTHONPATH": str(PROJECT)}
        self.environment = kept | named | variables

    def start(self, *words: object, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "flows.cli", *map(str, words)]
        pipes: dict[str, Any] = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "start_new_session": True,
            "preexec_fn": hear_ctrl_c,
        }
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, **(pipes | options))

    def __call__(self, *words: object, seconds: float = 600) -> Any:
        """Run it to its end; what it said is `out` and `err` of what is returned."""
        process: Any = self.start(*words)
        process.out, process.err = process.communicate(timeout=seconds)
        return process

    def left_behind(self) -> list[str]:
        """Command lines of processes that a command started and that still live."""
        found = []
        for each in psutil.process_iter():
            # One may end between two questions.
            with suppress(psutil.Error):
                if self.is_ours(each):
                    found.append(" ".join(each.cmdline()))
        return found

    def is_ours(self, process: psutil.Process) -> bool:
        try:
            return (
                process.environ().get("RLHF_TEST_MARK") == self.mark
                and process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.Error:
            return False
