"""The supervisor with tiny programs that are real processes: started in order, again when they end, ended whole."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from flows_waiting import wait_until
from tiny_programs import tiny_programs
from tracking.fake_workspace import PROJECT

from components.errors import BusyError
from flows.up.ending import stop
from flows.up.identity import Identity
from flows.up.logs import tail, trim
from flows.up.orphans import marked
from flows.up.programs import log_file
from flows.up.record import DONE, FAILING, UP, Record, read_record, record_path, write_record
from flows.up.supervisor import Supervisor
from flows.up.watched import Watched

HERE = Path(__file__).parent


@pytest.fixture
def supervisor(tmp_path):
    paths = os.pathsep.join([str(PROJECT), str(HERE)])
    process = subprocess.Popen(
        [sys.executable, str(HERE / "tiny_programs.py"), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": paths},
        start_new_session=True,
    )
    yield process
    stop(tmp_path)
    process.kill()
    process.wait()


def states(root):
    record = read_record(root)
    return {name: program.state for name, program in record.programs.items()} if record else {}


def wait_for_server(root):
    wait_until(lambda: states(root).get("server") == UP)
    return read_record(root).programs["server"].process


def guardians_of(process):
    return [each for each in psutil.Process(process.pid).children() if is_guardian(each)]


def is_guardian(process):
    try:
        return process.cmdline()[-1:] != [] and process.cmdline()[-1].endswith("guardian.py")
    except psutil.Error:
        return False


def test_what_ends_is_started_again_and_what_is_mended_is_tried_when_asked(tmp_path, supervisor):
    first = wait_for_server(tmp_path)
    wait_until(lambda: states(tmp_path).get("step") == DONE)
    assert "done" in log_file(tmp_path, "step").read_text()
    os.kill(first.pid, signal.SIGKILL)
    wait_until(lambda: read_record(tmp_path).programs["server"].restarts == 1)
    assert wait_for_server(tmp_path) != first
    assert not first.is_alive
    # The tiny server's child lived in a session of its own and stays until the end; so do the runs of deployments.
    wait_until(lambda: read_record(tmp_path).programs["broken"].restarts >= 2)
    assert read_record(tmp_path).programs["broken"].said == "it ended with status 1: no luck"
    (tmp_path / "mended").touch()
    os.kill(supervisor.pid, signal.SIGUSR1)
    wait_until(lambda: states(tmp_path)["broken"] == UP)
    assert read_record(tmp_path).programs["broken"].restarts == 0
    assert read_record(tmp_path).is_settled


def test_what_ends_again_and_again_is_called_failing_and_waits_longer(tmp_path, supervisor):
    wait_until(lambda: states(tmp_path).get("broken") == FAILING)
    assert read_record(tmp_path).is_settled
    assert supervisor.poll() is None


def test_what_hangs_is_started_again(tmp_path, supervisor):
    first = wait_for_server(tmp_path)
    (tmp_path / "server-is-there").unlink()
    wait_until(lambda: read_record(tmp_path).programs["server"].said.startswith("it hung"))
    assert wait_for_server(tmp_path) != first


def test_what_cannot_be_written_ends_nothing(tmp_path, supervisor):
    first = wait_for_server(tmp_path)
    # As a full disk: the record cannot take its place.
    record_path(tmp_path).unlink()
    record_path(tmp_path).mkdir()
    os.kill(first.pid, signal.SIGKILL)
    wait_until(lambda: [each for each in marked(tmp_path, "server") if each.pid != first.pid])
    record_path(tmp_path).rmdir()
    wait_until(lambda: states(tmp_path).get("server") == UP)
    assert supervisor.poll() is None


def test_pauses_grow_to_five_minutes_and_no_further(tmp_path):
    watched = Watched(tmp_path, tiny_programs(tmp_path)[2])
    for restarts in (3, 5_000):
        watched.restarts = restarts
        watched._ended("again")
        pause = watched._next - time.monotonic()
        assert pause == pytest.approx(8.0 if restarts == 3 else 300.0, abs=1)


def test_sigterm_ends_everything_also_in_other_sessions(tmp_path, supervisor):
    wait_for_server(tmp_path)
    assert len(marked(tmp_path)) >= 2
    supervisor.terminate()
    assert supervisor.wait(30) == 0
    assert marked(tmp_path) == []
    assert not record_path(tmp_path).exists()


def test_of_a_killed_supervisor_the_guardian_ends_the_programs_and_stop_the_rest(tmp_path, supervisor):
    server = wait_for_server(tmp_path)
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: not server.is_alive)
    assert not read_record(tmp_path).is_running
    # The child in another session.
    assert len(marked(tmp_path)) == 1
    assert stop(tmp_path) == 1
    assert marked(tmp_path) == []
    assert stop(tmp_path) == 0


def test_with_its_guardian_killed_too_the_record_and_the_mark_find_all(tmp_path, supervisor):
    server = wait_for_server(tmp_path)
    (guardian,) = guardians_of(supervisor)
    guardian.suspend()
    supervisor.kill()
    supervisor.wait()
    guardian.kill()
    assert server.is_alive
    assert stop(tmp_path) >= 2
    assert not server.is_alive
    assert marked(tmp_path) == []


def test_a_killed_guardian_is_replaced(tmp_path, supervisor):
    server = wait_for_server(tmp_path)
    (killed,) = guardians_of(supervisor)
    killed.kill()
    # The broken program is started again, and the pipe to the guardian found broken.
    wait_until(lambda: [each for each in guardians_of(supervisor) if each != killed])
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: not server.is_alive)


def test_a_second_one_is_refused(tmp_path, supervisor):
    wait_for_server(tmp_path)
    with pytest.raises(BusyError, match="runs already"):
        Supervisor(tmp_path, []).run()


def test_the_record_of_a_machine_that_was_killed_is_no_obstacle(tmp_path):
    mine = Identity.mine()
    assert mine.is_alive
    # The number is another process's now.
    old = Identity(mine.pid, "of an earlier start of the machine")
    write_record(tmp_path, Record(old, "2026-01-01T00:00:00+00:00", False, {}))
    assert not read_record(tmp_path).is_running
    assert stop(tmp_path) == 0
    record_path(tmp_path).write_text('{"cut off')
    assert read_record(tmp_path) is None
    record_path(tmp_path).write_text('{"of": "another version"}')
    assert read_record(tmp_path) is None


def test_a_long_log_is_begun_anew_while_it_is_written(tmp_path):
    log = tmp_path / "program.log"
    with log.open("a") as writer:
        writer.write("x" * 100 + "\nlast\n")
        writer.flush()
        trim(log, largest=1_000)
        assert tail(log) == "last"
        trim(log, largest=50)
        writer.write("after\n")
        writer.flush()
    assert log.read_text() == "after\n"
    assert (tmp_path / "program.log.1").read_text().endswith("last\n")
    assert tail(tmp_path / "none") == ""
