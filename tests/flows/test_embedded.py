"""The command with its own Prefect server: it leaves nothing behind, however it ends."""

import os
import signal
import sqlite3
import time

import pytest
from tracking.fake_workspace import write_batch
from tracking.rlhf_command import Command
from tracking.test_real_server import free_port

from components.errors import RlhfError
from components.stages.ending import STOPPED
from flows.server import prefect_api


def states(root):
    """Of all flow runs that the embedded server knows, the oldest first."""
    with sqlite3.connect(root / ".rlhf/prefect/prefect.db") as database:
        rows = database.execute(
            "select flow.name, state_type from flow_run join flow on flow.id = flow_run.flow_id"
        )
        return list(rows)


def start_and_wait_for(rlhf, stage):
    """`rlhf retrain`, once its stage `stage` runs and stays in it."""
    (rlhf.folder / f"slow-{stage}").touch()
    process = rlhf.start("retrain")
    for line in process.stderr:
        if line.startswith(f"[{stage}]"):
            return process
    raise AssertionError(f"the stage was never reached: {process.communicate()}")


def wait_until_gone(rlhf, seconds=15):
    deadline = time.monotonic() + seconds
    while rlhf.left_behind() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert rlhf.left_behind() == []


def test_however_a_retraining_is_ended_the_next_one_converges(embedded_rlhf):
    fed = embedded_rlhf
    write_batch(fed.folder, "week-1-aaaaaaaa")
    killed = start_and_wait_for(fed, "prepare")
    busy = fed("retrain")
    assert busy.returncode == 5
    assert f"process {killed.pid} of " in busy.err
    killed.kill()
    killed.communicate()
    wait_until_gone(fed)
    assert ("retrain", "RUNNING") in states(fed.folder)

    interrupted = start_and_wait_for(fed, "prepare")
    os.killpg(interrupted.pid, signal.SIGINT)
    interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130
    assert fed.left_behind() == []

    ended = start_and_wait_for(fed, "prepare")
    ended.terminate()
    _, told = ended.communicate(timeout=60)
    assert ended.returncode == STOPPED
    assert "told to end (SIGTERM)\nremedy: `rlhf retrain` goes on where it stopped" in told
    assert fed.left_behind() == []

    (fed.folder / "slow-prepare").unlink()
    done = fed("retrain")
    assert done.returncode == 0, done.err
    assert "reviews-candidate version 1\n" in done.out
    assert sorted(states(fed.folder)) == [
        ("retrain", "COMPLETED"),
        *[("retrain", "CRASHED")] * 3,
    ]
    assert fed.left_behind() == []


def test_a_server_that_does_not_start_is_an_error_with_a_remedy(clone, environment):
    environment.pop("PREFECT_API_URL", None)
    environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = "no-database://"
    with pytest.raises(RlhfError, match="embedded server does not start") as caught:
        prefect_api(clone, meanwhile=lambda: None).__enter__()
    assert "server.log" in caught.value.remedy
    assert "PREFECT_API_URL" not in environment


def test_a_server_that_does_not_answer_is_named_without_its_password(clone):
    url = f"http://ada:secret-word@127.0.0.1:{free_port()}/api"
    away = Command(clone, PREFECT_API_URL=url)("promote", "1", "--approver", "ada")
    assert away.returncode == 1
    assert "error: Prefect's server does not answer" in away.err
    assert "rlhf doctor" in away.err
    assert "secret-word" not in away.out + away.err
