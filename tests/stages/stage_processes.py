"""Stages in processes of their own, which can be killed: forked from one that has imported the heavy libraries."""

import importlib
import multiprocessing
import os
import re
import signal
import sys
import time
from pathlib import Path

import torch

from components.progress import parse_progress

#: Of any of these stages, on a machine that has other work.
LONGEST_S = 400
STAGES = ("prepare", "sft", "reward_model", "judge", "dpo", "ppo")


def start(stage: str, workspace: Path, dies_saving: bool = False, **variables: str):
    """A new process that runs `stage` in `workspace` and appends what it says to said.txt there.

    Args:
        variables: of its environment; it has that of the first process that was started here otherwise.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"components.stages.{name}" for name in STAGES])
    process = context.Process(target=_main, args=(stage, workspace, dies_saving, variables))
    process.start()
    return process


def run(stage: str, workspace: Path, dies_saving: bool = False, **variables: str) -> int:
    """Run it to its end; returns the exit code, -9 after SIGKILL."""
    process = start(stage, workspace, dies_saving, **variables)
    process.join(LONGEST_S)
    return process.exitcode


def kill_after_step(process, stage: str, step: int, workspace: Path) -> None:
    """SIGKILL as soon as the checkpoint of `step`, or a later one, is there."""
    home, deadline = workspace / ".rlhf/checkpoints" / stage, time.monotonic() + LONGEST_S
    while not any(kept >= step for kept in _steps_kept(home)):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.kill()


def _steps_kept(home: Path) -> list[int]:
    # os.walk passes over a folder that got another name while it looked.
    names = [name for _, folders, _ in os.walk(home) for name in folders]
    return [int(name[5:]) for name in names if re.fullmatch(r"step-\d+", name)]


def wait_for_step(stage: str, step: int, workspace: Path) -> None:
    """Return as soon as the stage has told of `step`, or of a later one."""
    deadline = time.monotonic() + LONGEST_S
    while not _told_steps(stage, workspace) & set(range(step, 1000)):
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _told_steps(stage: str, workspace: Path) -> set[int]:
    said = workspace / "said.txt"
    lines = said.read_text().splitlines() if said.exists() else []
    return {found.step for line in lines if (found := parse_progress(line)) and found.stage == stage}


def _main(stage: str, workspace: Path, dies_saving: bool, variables: dict[str, str]) -> None:
    os.environ.update(variables)
    torch.set_num_threads(1)
    os.chdir(workspace)
    sys.stdout = sys.stderr = Path("said.txt").open("a", buffering=1)  # noqa: SIM115
    for number in (1, 2):
        # For processes that this one starts.
        os.dup2(sys.stdout.fileno(), number)
    module = importlib.import_module(f"components.stages.{stage}")
    if dies_saving:
        module.save_model = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
    if stage == "prepare":
        from components.stages.running import run_stage

        run_stage(module.main, stage)
    else:
        from components.stages.launching import run_training_stage

        run_training_stage(module.main, stage)
