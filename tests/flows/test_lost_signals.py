"""A signal that is heard where Python drops exceptions ends the command all the same."""

import os
import signal
import subprocess
import sys

import pytest
from tracking.fake_workspace import PROJECT

COMMAND = """
import os, signal, sys, time
from flows import cli

class Dropped:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(60)

def command():
    Dropped()
    print("dropped", flush=True)
    time.sleep(60)
    print("never told")

# A shell's background jobs ignore it, and so would this one.
signal.signal(signal.SIGINT, signal.default_int_handler)
cli.app = command
cli.main()
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, -signal.SIGINT)]
)
def test_a_signal_in_a_destructor_is_not_lost(number, status):
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, str(int(number))],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (status, "dropped\n")


def test_other_errors_in_a_destructor_are_told_as_ever():
    code = COMMAND.replace("os.kill(os.getpid(), int(sys.argv[1]))", "raise ValueError('told')")
    code = code.replace("time.sleep(60)", "pass")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, "ValueError: told" in done.stderr) == (0, True)
