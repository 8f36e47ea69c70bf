"""How the harness and a side's process speak, with a real process."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.worker import Spec

ROOT = Path(__file__).parents[2]
SPEC = Spec(
    job="nap",
    folder="nowhere",
    precision="fp32",
    setting="",
    laps=2,
    batch=16,
    response_tokens=4,
    rollouts=64,
    epochs=4,
    minibatches=4,
    learning_rate=0.1,
    seed=1,
)
#: Sets up for long, naps for 50 ms, and prints what is no answer.
JOB = """
import time
from benchmarks.worker import serve

def nap(spec, laps):
    while True:
        rows = laps.wait()
        time.sleep(0.5)
        laps.restart()
        print("a library chats", flush=True)
        time.sleep(0.05)
        laps.stop()
        bytearray(300_000_000)
        laps.report(rows=rows, job=spec.job)

serve(lambda job: nap, {"naps": "1.0"})
"""


def _talk(*rows):
    lines = [asdict(SPEC), *({"rows": count} for count in rows)]
    done = subprocess.run(
        [sys.executable, "-c", JOB],
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def test_a_lap_for_each_line_until_the_pipe_closes():
    done, (ready, *laps) = _talk(3, 5)
    assert done.returncode == 0, done.stderr
    assert ready == {"ready": {"naps": "1.0"}}
    assert [(lap["job"], lap["rows"]) for lap in laps] == [("nap", 3), ("nap", 5)]
    assert "a library chats" in done.stderr


def test_the_clock_leaves_setting_up_out():
    _, (_, lap) = _talk(1)
    assert 0.05 <= lap["seconds"] < 0.5


def test_memory_grows_by_what_the_job_takes():
    _, (_, lap) = _talk(1)
    assert 290e6 < lap["peak_bytes"] < 400e6
