"""The command as tests start it."""

import os
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path

import psutil

PROJECT = Path(__file__).parents[2]
OURS = ("PREFECT_", "MLFLOW_", "DVC_", "RLHF_")


class Command:
    """`rlhf` as a person runs it, in a folder; each process it starts can be told by a mark in its environment."""

    def __init__(self, folder, **variables):
        self.folder = folder
        self.mark = uuid.uuid4().hex
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        named = {"RLHF_AUTHOR": "trainer", "RLHF_TEST_MARK": self.mark, "PYTHONPATH": str(PROJECT)}
        self.environment = kept | named | variables

    def start(self, *words, **options):
        command = [sys.executable, "-m", "flows.cli", *map(str, words)]
        pipes = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "start_new_session": True,
        }
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, **(pipes | options))

    def __call__(self, *words):
        process = self.start(*words)
        process.out, process.err = process.communicate(timeout=600)
        return process

    def left_behind(self):
        """Command lines of processes that a command started and that still live."""
        found = []
        for each in psutil.process_iter():
            # One may end between two questions.
            with suppress(psutil.Error):
                if self.is_ours(each):
                    found.append(" ".join(each.cmdline()))
        return found

    def is_ours(self, process):
        try:
            return (
                process.environ().get("RLHF_TEST_MARK") == self.mark
                and process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.Error:
            return False
