"""Training stages in as many processes as params.yaml asks for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from components.config import load_params
from components.errors import StageFailedError
from components.stages.running import run_stage
from components.training.workers import is_one_of_several, join_workers


def run_training_stage(main: Callable[[], None], stage: str) -> None:
    """Run a stage's main here, or under torchrun in `train.num_processes` processes."""
    run_stage(lambda: _start(main, stage))


def _start(main: Callable[[], None], stage: str) -> None:
    processes = load_params().train.num_processes
    if processes == 1 or is_one_of_several():
        # Before any model is moved: this is what gives each process a GPU of its own.
        join_workers()
        main()
    else:
        _launch(stage, processes)


def _launch(stage: str, processes: int) -> None:
    # --standalone: the processes meet on a free port of the loopback interface.
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        str(processes),
    ]
    ended = subprocess.run([*command, "-m", f"components.stages.{stage}"], check=False)
    if ended.returncode:
        raise StageFailedError(
            f"{stage} failed in one of its {processes} processes", "its own message stands above"
        )
