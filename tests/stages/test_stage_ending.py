"""Stages that are told to end: they keep the step that they are at, say so, and go on from there."""

import os
import shutil
import signal
import subprocess
import sys

import psutil
import pytest
from stages.small_project import ROOT, change_params
from stages.small_workspace import MODELS, outputs, said
from stages.stage_processes import LONGEST_S, run, start, wait_for_step

from components.locks import exclusive
from components.stages import running
from components.stages.ending import STOPPED
from flows.processes import running as running_group

#: Far longer than any of these runs: what is written is written because the stage was told to end.
SELDOM = {"checkpoints": {"seconds": 3600}}


def told_to_end(stage, workspace, step):
    """The stage's exit status after SIGTERM at `step`."""
    process = start(stage, workspace)
    wait_for_step(stage, step, workspace)
    process.terminate()
    process.join(LONGEST_S)
    return process.exitcode


@pytest.mark.parametrize("stage", MODELS)
def test_it_keeps_the_step_and_goes_on_to_the_same_bytes(whole, workspace, stage):
    shutil.rmtree(workspace / "models" / MODELS[stage], ignore_errors=True)
    change_params(workspace, SELDOM)
    assert told_to_end(stage, workspace, 1) == STOPPED
    assert not (workspace / "models" / MODELS[stage]).exists()
    (kept,) = (workspace / ".rlhf/checkpoints" / stage).rglob("step-*")
    step = int(kept.name[5:])
    assert f"stopped: told to end after step {step}: the checkpoint of step {step} is kept" in said(workspace)
    assert run(stage, workspace) == 0
    assert f"going on after step {step}," in said(workspace)
    assert outputs(workspace, stage) == outputs(whole, stage)


#: A stage whose loop goes on until it is told to end, and then until it is killed.
LOOP = """
import time
from components.stages.ending import end_after_step_when_told, told_to_end
end_after_step_when_told()
print("at it", flush=True)
while not told_to_end():
    time.sleep(0.01)
print("told", flush=True)
time.sleep(60)
"""
#: A stage without steps, in the middle of writing.
WRITING = """
import time
from pathlib import Path
from components.files import replacing_directory
from components.stages.running import run_stage

def main():
    with replacing_directory(Path("out")):
        print("at it", flush=True)
        time.sleep(60)

run_stage(main, "writing")
"""


def started(code, folder, **variables):
    """A process of this code, once it has said its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout.readline() == "at it\n"
    return process


def test_a_second_signal_ends_it_at_once(tmp_path):
    process = started(LOOP, tmp_path)
    process.terminate()
    assert process.stdout.readline() == "told\n"
    process.terminate()
    assert process.wait(30) == -signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stage_without_steps_ends_at_once_and_leaves_nothing(tmp_path, number):
    process = started(f"import signal; signal.signal(2, signal.default_int_handler)\n{WRITING}", tmp_path)
    process.send_signal(number)
    assert process.wait(30) == STOPPED
    assert process.stdout.read().startswith("stopped: told to end before anything was kept")
    assert [path.name for path in tmp_path.iterdir()] == [".rlhf"]


def test_two_processes_of_a_stage_do_not_write_the_same_files(workspace, monkeypatch, capsys):
    monkeypatch.chdir(workspace)
    monkeypatch.setattr(running, "OTHER_S", 0.2)
    with exclusive(workspace / ".rlhf/stages/dpo.lock"), pytest.raises(SystemExit) as ended:
        running.run_stage(lambda: None, "dpo")
    assert ended.value.code == 1
    assert "error: another process runs dpo in this workspace" in capsys.readouterr().err


def test_a_stage_of_dvc_ends_with_dvc(tmp_path):
    """Its parent is killed: nobody waits for it, and the next run writes the same files."""
    parent = started(
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WRITING!r}])",
        tmp_path,
        DVC_STAGE="writing",
    )
    (stage,) = psutil.Process(parent.pid).children()
    parent.kill()
    parent.wait()
    stage.wait(30)
    assert parent.stdout.read().startswith("stopped: told to end")
    assert not list(tmp_path.glob(".out*"))


#: A stage whose steps take long; it keeps the one that it is at when it is told to end.
STEPS = """
import sys, time
from pathlib import Path
from components.stages.ending import STOPPED, end_after_step_when_told, end_with_parent, told_to_end
end_after_step_when_told()
end_with_parent()
print("at it", flush=True)
while not told_to_end():
    time.sleep(0.01)
time.sleep(2)
Path("checkpoint").touch()
sys.exit(STOPPED)
"""
#: Stands in for DVC, which dies of SIGTERM: it runs a stage through a shell that waits for it, or that does not.
DVC = """
import os, subprocess, sys
command = [sys.argv[1], "-c", f'"{sys.executable}" -c "$CODE"' + sys.argv[2]]
subprocess.run(command, env=os.environ | {"DVC_STAGE": "sft", "CODE": sys.argv[3]})
"""
SHELLS = pytest.mark.parametrize(
    ("shell", "waits"), [("/bin/bash", ""), ("/bin/sh", "; exit $?")], ids=["execs", "waits"]
)


def dvc(shell, waits, code=STEPS):
    return [sys.executable, "-c", DVC, shell, waits, code]


def options(folder):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return {"cwd": folder, "env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}


def stage_of(process):
    """The process that does not start another one."""
    return next(each for each in psutil.Process(process.pid).children(recursive=True) if not each.children())


@SHELLS
def test_a_stage_that_is_told_with_all_its_group_keeps_its_step(tmp_path, shell, waits):
    """As `rlhf retrain`, its guardian and `rlhf down` do: DVC and its shell are gone long before the step is made."""
    with running_group(dvc(shell, waits), **options(tmp_path)) as process:
        assert process.stdout.readline() == "at it\n"
    assert (tmp_path / "checkpoint").exists()


@SHELLS
def test_a_stage_ends_with_dvc_whatever_shell_is_between(tmp_path, shell, waits):
    with running_group(dvc(shell, waits), **options(tmp_path)) as process:
        assert process.stdout.readline() == "at it\n"
        stage = stage_of(process)
        process.kill()
        stage.wait(20)
    assert (tmp_path / "checkpoint").exists()


#: A stage that is still importing when DVC is killed.
IMPORTING = (
    """
import os, time
parent = os.getppid()
print(os.getpid(), flush=True)
while os.getppid() == parent:
    time.sleep(0.01)
"""
    + WRITING
)


def test_a_stage_whose_dvc_is_killed_before_it_has_imported_ends_too(tmp_path):
    with running_group(dvc("/bin/bash", "", IMPORTING), **options(tmp_path)) as process:
        stage = psutil.Process(int(process.stdout.readline()))
        process.kill()
        stage.wait(20)
        assert "stopped: told to end" in process.stdout.read()
    assert not list(tmp_path.glob(".out*"))
