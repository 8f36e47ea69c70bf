"""The supervisor with tiny programs that are real processes: started in order, again when they end, ended whole."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from flows_waiting import wait_until
from tiny_programs import tiny_programs
from tracking.fake_workspace import PROJECT

from components.errors import BusyError, RlhfError
from components.locks import exclusive
from flows.up import signs, starting
from flows.up.ending import stop
from flows.up.identity import Identity
from flows.up.logs import tail, trim
from flows.up.orphans import marked
from flows.up.programs import SERVE, Program, _answers, log_file
from flows.up.record import DONE, FAILING, STARTING, UP, Record, read_record, record_path, write_record
from flows.up.signs import SIGN
from flows.up.supervisor import BUSY, Supervisor
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


def test_what_needs_a_hung_program_is_not_ended_with_it(tmp_path, supervisor):
    first = wait_for_server(tmp_path)
    wait_until(lambda: states(tmp_path)["client"] == UP)
    client = read_record(tmp_path).programs["client"].process
    (tmp_path / "server-is-there").unlink()
    wait_until(lambda: read_record(tmp_path).programs["server"].said.startswith("it hung"))
    assert wait_for_server(tmp_path) != first
    # Long enough for it to be found hung, had it been looked at.
    time.sleep(1)
    after = read_record(tmp_path).programs["client"]
    assert (after.process, after.restarts, client.is_alive) == (client, 0, True)


def test_a_client_that_hangs_alone_is_started_again(tmp_path):
    well = {"is": True}
    alone = Program("client", (sys.executable, "-c", "import time; time.sleep(90)"), {}, lambda: well["is"])
    watched = Watched(tmp_path, alone)
    watched.step(is_ready=True)
    watched.step(is_ready=True)
    first, well["is"] = watched.process, False
    for looks in range(alone.unanswered):
        assert watched.state == UP, looks
        watched._looked = 0.0
        watched.step(is_ready=True)
    assert watched.process is None
    assert first.returncode is not None


def test_what_one_program_brings_up_is_its_own(tmp_path, monkeypatch):
    def odd():
        raise KeyError("of a probe")

    command = (sys.executable, "-c", "import time; time.sleep(90)")
    supervisor = Supervisor(
        tmp_path,
        [Program("odd", command, {}, works=odd), Program("even", command, {}, works=lambda: True)],
    )
    try:
        for _ in range(2):
            supervisor._step()
        first, second = supervisor.watched
        assert (first.state, second.state) == (STARTING, UP)
        assert first.said == "asking whether it works failed (KeyError('of a probe'))"
        monkeypatch.setattr(Watched, "_look_whether_it_starts", lambda _: odd())
        supervisor._step()
        assert first.said == "looking after it failed (KeyError('of a probe'))"
    finally:
        supervisor._end_all()


def test_what_does_not_speak_http_does_not_work_and_that_is_all():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet():
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"hello, not http\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        assert _answers(f"http://127.0.0.1:{listener.getsockname()[1]}/health") is False
        thread.join()


def test_who_serves_shows_when_it_last_asked_for_work(tmp_path, monkeypatch):
    monkeypatch.setattr(signs, "EVERY_S", 0.01)
    sign, asked = tmp_path / SIGN, {"at": None}
    with signs.showing(sign, lambda: asked["at"]):
        time.sleep(0.1)
        assert not signs.is_fresh(sign)
        asked["at"] = datetime.now(UTC)
        wait_until(lambda: signs.is_fresh(sign))
        asked["at"] -= timedelta(seconds=signs.FRESH_S + 1)
        wait_until(lambda: not signs.is_fresh(sign))
        assert sign.exists()
    assert not sign.exists()


def test_the_sign_of_an_earlier_process_says_nothing(tmp_path):
    sign = tmp_path / SIGN
    sign.parent.mkdir(parents=True)
    sign.touch()
    command = (sys.executable, "-c", "import time; time.sleep(90)")
    watched = Watched(tmp_path, Program(SERVE, command, {}, works=lambda: signs.is_fresh(sign), sign=sign))
    try:
        for _ in range(2):
            watched.step(is_ready=True)
        assert watched.state == STARTING
    finally:
        watched.stop()


def test_a_new_one_waits_for_the_end_of_one_that_is_at_it(tmp_path, monkeypatch):
    """`rlhf up` while `rlhf down` is at work: the first supervisor that it starts finds the workspace held."""
    started, held = [], ExitStack()
    held.enter_context(exclusive(tmp_path / "held"))

    def start_supervisor(root):
        code = (
            "import sys; from pathlib import Path; from components.locks import exclusive\n"
            "try:\n    exclusive(Path(sys.argv[1]), wait=False).__enter__()\n"
            f"except BlockingIOError:\n    sys.exit({BUSY})\n"
            "sys.exit('it had its turn')"
        )
        started.append(subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "held")], cwd=PROJECT))
        return started[-1]

    monkeypatch.setattr(starting, "_start_supervisor", start_supervisor)
    held.callback(record_path(tmp_path).unlink)
    write_record(tmp_path, Record(Identity.mine(), "2026-01-01T00:00:00+00:00", True, {}))
    threading.Timer(2.0, held.close).start()
    with pytest.raises(RlhfError, match="the supervisor ended"):
        starting.start(tmp_path, lambda _: None)
    assert [each.wait() for each in started] == [BUSY] * (len(started) - 1) + [1]
    assert len(started) <= 3


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
    # The child in another session. The guardian ends one after the other, and the broken one ends by itself.
    wait_until(lambda: len(marked(tmp_path)) == 1)
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
