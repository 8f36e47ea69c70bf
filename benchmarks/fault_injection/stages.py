"""Stages of the tiny pipeline as processes to be hurt, and what must be true of them afterwards."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.fault_injection.outcome import Outcome
from benchmarks.fault_injection.project import Graph, digests, leftovers, load_graph, make_project
from benchmarks.fault_injection.small_project import ROOT
from benchmarks.fault_injection.warm import STAGES, TRAINING
from benchmarks.fault_injection.warm_client import ask, line
from components.files import sha256_bytes

SAID = "said.txt"
KILLED = -signal.SIGKILL
#: At the end of every file of an older output: no file of it is one of the new.
OLDER = b"older"
#: Longer than any stage takes here, on a machine that has other work.
LONGEST_S = 300.0


class StageProcess:
    """A stage that runs, in a process of its own."""

    def __init__(self, warm: Path, stage: str, folder: Path, said: Path | None = None, **hurt: Any) -> None:
        with (said or folder / SAID).open("a") as file:
            fds = [file.fileno(), file.fileno()]
            self._connection, self.pid = ask(str(warm), stage, str(folder), fds, **hurt)
        self._connection.settimeout(LONGEST_S)

    def send(self, number: signal.Signals) -> None:
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return

    def wait(self) -> int:
        """Its exit status, negative after a signal."""
        with self._connection:
            return int(line(self._connection))

    def ends_within(self, seconds: float) -> bool:
        self._connection.settimeout(seconds)
        try:
            self._connection.recv(1, socket.MSG_PEEK)
            return True
        except TimeoutError:
            return False
        finally:
            self._connection.settimeout(LONGEST_S)


@dataclass(frozen=True)
class Bench:
    """Where trials of stages are made.

    Attributes:
        warm: the socket of the process that forks stages.
        whole: a project in which every stage ran undisturbed.
        seconds: what each stage took there.
    """

    warm: Path
    whole: Path
    graph: Graph
    seconds: dict[str, float]

    def run(self, stage: str, folder: Path, **hurt: Any) -> int:
        """A stage to its end; its exit status."""
        return StageProcess(self.warm, stage, folder, **hurt).wait()

    def fresh(self, stage: str, folder: Path) -> Path:
        """A workspace with what the stage reads, and older outputs of it."""
        shutil.rmtree(folder, ignore_errors=True)
        for path in ("params.yaml", "dvc.yaml", *self.graph.deps(stage), *self.graph.outs(stage)):
            _copy(self.whole / path, folder / path)
        for out in self.graph.outs(stage):
            for file in files_at(folder / out):
                file.write_bytes(file.read_bytes() + OLDER)
        return folder


@contextmanager
def open_bench(home: Path) -> Iterator[Bench]:
    """The warm process and the undisturbed project."""
    warm = home / "warm.sock"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmarks.fault_injection.warm", str(warm)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "warm\n", "the warm process did not start"
        os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        yield _run_undisturbed(make_project(home / "whole", warm), warm)
    finally:
        process.communicate()


def _run_undisturbed(folder: Path, warm: Path) -> Bench:
    bench = Bench(warm, folder, load_graph(), {})
    for stage in STAGES:
        start = time.monotonic()
        status = bench.run(stage, folder)
        assert status == 0, (folder / SAID).read_text()
        bench.seconds[stage] = time.monotonic() - start
    return bench


def recover(bench: Bench, stage: str, folder: Path, outcome: Outcome, **hurt: Any) -> None:
    """Check what a fault left, run the stage again, and hold it against the undisturbed one."""
    check_old_or_new(bench, stage, folder, outcome)
    before = _steps_told(stage, folder)
    start = time.monotonic()
    status = bench.run(stage, folder, **hurt)
    outcome.recovery_s = time.monotonic() - start
    outcome.expect("I4", status == 0, f"{stage} again ended with {status}: {_last_words(folder)}")
    if stage in TRAINING:
        outcome.steps_lost = max(0, max(before, default=0) - _gone_on_after(folder))
    check_same(bench, stage, folder, outcome)


def check_old_or_new(bench: Bench, stage: str, folder: Path, outcome: Outcome) -> None:
    """Each output is the older one, the new one, or away until the next writer puts it right."""
    for out in bench.graph.outs(stage):
        found = digests(folder, [out])
        new = digests(bench.whole, [out])
        old = {
            file.relative_to(bench.whole).as_posix(): sha256_bytes(file.read_bytes() + OLDER)
            for file in files_at(bench.whole / out)
        }
        outcome.expect("I3", found in ({}, new, old), f"{out} is a mixture of old and new")


def files_at(path: Path) -> list[Path]:
    """The file at this path, or all files below it."""
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]


def check_same(bench: Bench, stage: str, folder: Path, outcome: Outcome) -> None:
    """The outputs are those of an undisturbed run, and nothing is left beside them."""
    outs = bench.graph.outs(stage)
    found, wanted = digests(folder, outs), digests(bench.whole, outs)
    other = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    outcome.expect("I3", not other, f"{stage}: not the same bits: {', '.join(other[:5])}")
    left = leftovers(folder)
    outcome.expect("I4", not left, f"left behind: {', '.join(left[:5])}")


def _steps_told(stage: str, folder: Path) -> list[int]:
    return [int(step) for step in re.findall(rf"^\[{stage}\] +(\d+)/", _said(folder), re.MULTILINE)]


def _gone_on_after(folder: Path) -> int:
    """The step after which the last run went on, or 0. Several trainings of one stage count on."""
    found = re.findall(r"^going on after step (\d+),", _said(folder), re.MULTILINE)
    return int(found[-1]) if found else 0


def _said(folder: Path) -> str:
    path = folder / SAID
    return path.read_text(errors="replace") if path.exists() else ""


def _last_words(folder: Path) -> str:
    return " / ".join(_said(folder).strip().splitlines()[-3:])


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy(source, target)
