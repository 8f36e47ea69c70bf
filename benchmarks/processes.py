"""The contestants' processes: one each, started once, asked for one lap after another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import trl_venv
from benchmarks.plan import OURS, Contestant, Group
from benchmarks.shapes import Shape
from benchmarks.worker import Spec

ROOT = Path(__file__).parents[1]
#: Nobody looks for a server or a GPU: both sides read the same files and use the same cores.
ALONE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TRL_EXPERIMENTAL_SILENCE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "CUDA_VISIBLE_DEVICES": "",
}
LOG_LINES = 25


class Worker:
    """One contestant at work."""

    def __init__(self, contestant: Contestant, group: Group, spec: Spec) -> None:
        self.contestant = contestant
        self._log = Path(spec.folder) / f"{group.job} {contestant.name}.log"
        self._process = subprocess.Popen(
            [_python(contestant), "-m", f"benchmarks.{'ours' if contestant.side == OURS else 'theirs'}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log.open("w"),
            cwd=ROOT,
            env=environment(contestant, group.job, Path(spec.folder)),
            text=True,
        )
        self._tell(asdict(spec))

    def ready(self) -> dict[str, str]:
        """Wait until everything is imported; returns the versions of what was."""
        versions: dict[str, str] = self._hear()["ready"]
        return versions

    def lap(self, rows: int) -> dict[str, Any]:
        self._tell({"rows": rows})
        return self._hear()

    def close(self) -> None:
        """Let the process end, which a closed pipe tells it to."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _tell(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._fail()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self._fail()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _fail(self) -> None:
        tail = "\n".join(self._log.read_text().splitlines()[-LOG_LINES:])
        sys.exit(f"{self.contestant.name} stopped:\n{tail}")


def make_models(shape: Shape, folder: Path) -> Path:
    """The folder with a shape's models, which are made where they are missing."""
    models = folder / shape.name
    if not models.exists():
        run_module("benchmarks.assets", json.dumps(asdict(shape)), str(models))
    return models


def run_module(module: str, *arguments: str) -> str:
    """What a module of the benchmark prints, run with this project's Python."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **ALONE}, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def environment(contestant: Contestant, job: str, folder: Path) -> dict[str, str]:
    first = [] if contestant.side == OURS else trl_venv.search_path(job)
    return {**os.environ, **ALONE, "HF_HOME": str(folder / "hub"), "PYTHONPATH": os.pathsep.join(first)}


def _python(contestant: Contestant) -> str:
    return sys.executable if contestant.side == OURS else str(trl_venv.ensure())
