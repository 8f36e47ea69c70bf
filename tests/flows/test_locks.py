import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tracking.fake_workspace import PROJECT

from components.errors import BusyError
from components.locks import exclusive
from flows.locks import PAUSE_S, refuse_if_busy, retraining

HOLD = (
    "import sys, pathlib, time; from flows.locks import retraining\n"
    "with retraining(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
)


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the workspace."""
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_the_second_is_told_who_and_since_when(tmp_path, holder):
    with (
        pytest.raises(BusyError, match=rf"process {holder.pid} of \S+, since 20\d\d-\d\d-\d\dT"),
        retraining(tmp_path),
    ):
        pass
    with pytest.raises(BusyError):
        refuse_if_busy(tmp_path)


def test_a_killed_holder_holds_nothing(tmp_path, holder):
    holder.kill()
    holder.wait()
    refuse_if_busy(tmp_path)
    with retraining(tmp_path):
        assert json.loads((tmp_path / ".rlhf/retrain.lock").read_text())["pid"] == os.getpid()


def test_a_lock_is_free_after_its_block(tmp_path):
    with retraining(tmp_path):
        pass
    with retraining(tmp_path):
        pass


def test_who_only_looks_makes_nobody_busy(tmp_path):
    lock = tmp_path / ".rlhf/retrain.lock"
    with ThreadPoolExecutor(1) as threads:
        with exclusive(lock, wait=False):
            waiting = threads.submit(refuse_if_busy, tmp_path)
            time.sleep(PAUSE_S * 1.5)
        waiting.result()


def test_a_fault_of_the_work_itself_is_not_called_busy(tmp_path):
    with pytest.raises(BlockingIOError, match="a pipe"), retraining(tmp_path):
        raise BlockingIOError("a pipe")
