import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from tracking.fake_workspace import PROJECT

from flows.processes import running, stream

#: A process that starts another, says both numbers, and sleeps.
FAMILY = (
    "import subprocess, sys, os, time; "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "print(os.getpid(), child.pid, flush=True); time.sleep(60)"
)
#: The same, and neither heeds SIGTERM.
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + FAMILY


def alive(*numbers):
    return [n for n in numbers if psutil.pid_exists(n) and psutil.Process(n).status() != psutil.STATUS_ZOMBIE]


def wait_until(condition, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()


def test_lines_of_both_streams_in_order_and_the_status(tmp_path):
    lines = []
    program = "import sys; print('one'); print('two', file=sys.stderr); print('\\x1b[1;31mb\\xe4d\\x1b[0m'); exit(3)"
    assert stream([sys.executable, "-c", program], tmp_path, lines.append) == 3
    assert lines == ["one", "two", "bäd"]


def test_bytes_that_are_no_text_do_not_stop_it(tmp_path):
    lines = []
    program = "import sys; sys.stdout.buffer.write(b'\\xff\\xfe\\n')"
    assert stream([sys.executable, "-c", program], tmp_path, lines.append) == 0
    assert lines == ["\ufffd\ufffd"]


def test_a_whole_family_ends_when_its_reader_fails(tmp_path):
    seen = []

    def fail(line):
        seen.extend(map(int, line.split()))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stream([sys.executable, "-c", FAMILY], tmp_path, fail)
    assert len(seen) == 2
    assert alive(*seen) == []


def test_who_does_not_heed_sigterm_is_killed(monkeypatch):
    monkeypatch.setattr("flows.processes.end.__defaults__", (0.3,))
    with running([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as process:
        family = list(map(int, process.stdout.readline().split()))
    assert alive(*family) == []
    assert process.returncode == -signal.SIGKILL


def test_a_family_ends_when_its_starter_is_killed():
    starter = (
        "import sys; from pathlib import Path; from flows.processes import stream; "
        f"stream([sys.executable, '-c', {FAMILY!r}], Path(), lambda line: print(line, flush=True))"
    )
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen(
        [sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True, env=environment
    )
    family = list(map(int, process.stdout.readline().split()))
    guardians = [
        child.pid
        for child in psutil.Process(process.pid).children()
        if "guardian" in " ".join(child.cmdline())
    ]
    assert len(alive(*family, *guardians)) == 3
    process.kill()
    process.wait()
    wait_until(lambda: alive(*family, *guardians) == [])


#: Listens to a program that prints a line and sleeps; signals come as in a terminal.
LISTENER = """
import os, signal, sys, threading, time
from pathlib import Path
from flows.processes import stream

signal.signal(signal.SIGINT, signal.default_int_handler)

def interrupt(seconds, number=signal.SIGINT):
    threading.Timer(seconds, os.kill, (os.getpid(), number)).start()

def listen(program, take):
    stream([sys.executable, "-c", program], Path(), take)
"""
#: Another thread takes the signal, so that no read of the main one is interrupted: as by one that comes before a read.
UNINTERRUPTED = """
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])

def take(line):
    print(line, flush=True)
    interrupt(0.5)

listen("import time; print('begun', flush=True); time.sleep(100)", take)
"""
#: The second Ctrl-C comes while the last lines are waited for. A process that nobody ends keeps the pipe open.
TWICE = """
KEEPER = (
    "import subprocess, sys, time; "
    "kept = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'], start_new_session=True); "
    "print(kept.pid, flush=True); time.sleep(100)"
)

def take(line):
    print(line, flush=True)
    interrupt(2)
    raise KeyboardInterrupt

listen(KEEPER, take)
"""

#: A program that ends a second after it was told to, and at once where it is told twice.
KEEPS = """
STAGE = (
    "import os, signal, time\\n"
    "def hear(number, _):\\n"
    "    signal.signal(number, signal.SIG_DFL)\\n"
    "    time.sleep(1.5)\\n"
    "    print('a step is kept', flush=True)\\n"
    "    os._exit(75)\\n"
    "signal.signal(signal.SIGTERM, hear)\\n"
    "print('begun', flush=True)\\n"
    "time.sleep(100)\\n"
)

def leave(number, _):
    raise SystemExit(number)

signal.signal(signal.SIGTERM, leave)

def take(line):
    print(line, flush=True)
    if line == "begun":
        for number, seconds in SIGNALS:
            interrupt(seconds, number)

listen(STAGE, take)
"""


def listen(program):
    """Its exit status, what it printed, and its errors."""
    command = [sys.executable, "-c", LISTENER + program]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_a_signal_is_heard_though_it_interrupts_no_read():
    status, told, errors = listen(UNINTERRUPTED)
    assert (status, told) == (-signal.SIGINT, "begun\n")
    assert "KeyboardInterrupt" in errors


def test_a_second_signal_ends_the_wait_for_a_pipe_that_somebody_keeps_open():
    status, kept, _ = listen(TWICE)
    assert status == -signal.SIGINT
    assert alive(int(kept)) == [int(kept)], "it was there to the end"
    os.kill(int(kept), signal.SIGKILL)


@pytest.mark.parametrize(
    ("signals", "kept"),
    [
        # The whole group is told, and then its leader tells those that it started: `rlhf down` does both.
        ([(signal.SIGTERM, 0.2), (signal.SIGTERM, 0.8)], True),
        ([(signal.SIGINT, 0.2), (signal.SIGTERM, 0.8)], True),
        # A person who does not want to wait.
        ([(signal.SIGINT, 0.2), (signal.SIGINT, 0.8)], False),
    ],
)
def test_who_is_told_to_end_twice_tells_a_stage_once_unless_a_person_means_at_once(signals, kept):
    numbered = [(int(number), seconds) for number, seconds in signals]
    _, told, _ = listen(KEEPS.replace("SIGNALS", repr(numbered)))
    assert told.splitlines()[0] == "begun"
    assert ("a step is kept" in told) == kept
