"""One side's process: it is given a job, then does laps of it whenever the harness says so.

Both ways lines of JSON: the job's `Spec`, then `{"rows": n}` for each lap, until the pipe closes. Answers are
`{"ready": ...}` and a lap's facts. Whatever libraries print goes to standard error.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
#: Where the models lie in a job's folder: where this project's stages look for them.
POLICY, REWARD = "models/sft", "models/reward"


@dataclass(frozen=True)
class Spec:
    """What to do.

    Attributes:
        folder: of the policy's and the reward model's weights and of data.json.
        precision: "fp32" or "bf16"; setting: of this side alone, such as "grouped" or "shared_trunk".
        laps: all of them, the warm-up included. batch: rows of one optimizer step.
        rollouts, epochs, minibatches: of PPO.
    """

    job: str
    folder: str
    precision: str
    setting: str
    laps: int
    batch: int
    response_tokens: int
    rollouts: int
    epochs: int
    minibatches: int
    learning_rate: float
    seed: int

    @property
    def policy(self) -> Path:
        return Path(self.folder) / POLICY

    @property
    def reward(self) -> Path:
        return Path(self.folder) / REWARD

    def data(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((Path(self.folder) / "data.json").read_text())
        return content


class Laps:
    """The talk with the harness, and the clock."""

    def __init__(self) -> None:
        # What is printed from here on, by this process or by the libraries in it, is no answer.
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self._started = 0.0
        self._seconds = 0.0
        self._memory = 0

    def spec(self) -> Spec:
        return Spec(**json.loads(sys.stdin.readline()))

    def ready(self, **versions: str) -> None:
        """Call with all libraries imported and no model loaded: memory counts from here."""
        self._memory = _resident()
        self._answer({"ready": versions})

    def start(self) -> int:
        """Wait for the harness, start the clock; returns on how many rows. Ends the process when there is no more."""
        rows = self.wait()
        self.restart()
        return rows

    def wait(self) -> int:
        line = sys.stdin.readline()
        if not line:
            sys.exit(0)
        return int(json.loads(line)["rows"])

    def restart(self) -> None:
        """Start the clock, where something had to be set up after the harness spoke."""
        self._started = time.perf_counter()

    def stop(self) -> None:
        self._seconds = time.perf_counter() - self._started

    def report(self, **facts: Any) -> None:
        """Answer with the last lap's seconds, the memory's growth at its peak so far, and what the job counted."""
        self._answer({"seconds": self._seconds, "peak_bytes": _peak() - self._memory, **facts})

    def _answer(self, content: Mapping[str, Any]) -> None:
        self._answers.write(json.dumps(content) + "\n")
        self._answers.flush()


def phases(began: float, generated: float, scored: float, ended: float) -> dict[str, float]:
    """Seconds of each phase of a PPO lap, from the times at which the phases gave way to each other."""
    return {"generation": generated - began, "scoring": scored - generated, "updates": ended - scored}


Job = Callable[[Spec, Laps], None]


def load_job(side: str, job: str) -> Job:
    """A job of `benchmarks.<side>`, "ours" or "theirs", with everything imported that it needs."""
    if job in ("ppo", "sampling"):
        run: Job = getattr(import_module(f"benchmarks.{side}.{job}"), f"run_{job}")
        return run
    trainings: dict[str, Job] = import_module(f"benchmarks.{side}.training").TRAININGS
    return trainings[job]


def serve(load: Callable[[str], Job], versions: Mapping[str, str]) -> None:
    """Do the job that the harness names.

    Args:
        load: from a job's name to its function, with everything imported that it needs.
    """
    laps = Laps()
    spec = laps.spec()
    job = load(spec.job)
    laps.ready(**versions)
    job(spec, laps)


def _resident() -> int:
    """Bytes of memory this process holds now."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def _peak() -> int:
    """The most bytes this process has held so far."""
    if STATUS.exists():
        # Linux's ru_maxrss may be that of the process this one was started from.
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
