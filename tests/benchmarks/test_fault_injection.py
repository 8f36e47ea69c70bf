"""The fault-injection suite: a short version of it, and that it counts what it sees."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.fault_injection.__main__ import is_good
from benchmarks.fault_injection.outcome import Fault, Outcome
from benchmarks.fault_injection.steps import named
from benchmarks.fault_injection.table import as_text, percentile, row

ROOT = Path(__file__).parents[2]


def test_a_short_version_finds_nothing_and_finds_every_control_out(tmp_path):
    """Stages killed, told to end, without disk, with damaged checkpoints; and writers broken on purpose."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.fault_injection",
        "--short",
        "--json",
        str(tmp_path / "found.json"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=850)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    rows = {line["fault"]: line for line in found["table"]}
    assert rows["stage: SIGKILL at random times"]["trials"] == 3
    for name, line in rows.items():
        violated = sum(line[f"I{number}"] for number in range(1, 6))
        assert (violated > 0) == name.startswith("control: "), name
    assert sum(name.startswith("control: ") for name in rows) == 5


def outcome(*violated, seconds=None, lost=None):
    return Outcome("a trial", [(invariant, "so") for invariant in violated], seconds, lost)


def test_a_row_counts_violations_by_invariant():
    outcomes = [
        outcome("I1", "I1", seconds=1.0, lost=2),
        outcome("I3", seconds=3.0),
        outcome(seconds=2.0, lost=0),
    ]
    assert row("kill", outcomes) == {
        "fault": "kill",
        "trials": 3,
        **{"I1": 2, "I2": 0, "I3": 1, "I4": 0, "I5": 0},
        **{"p50 s": 2.0, "p95 s": 2.9, "steps lost": 2},
    }
    shown = as_text([row("kill", outcomes)]).splitlines()[2]
    assert shown.replace("|", "").split() == ["kill", "3", "2", "0", "1", "0", "0", "2.0", "2.9", "2"]


def test_without_seconds_there_are_no_percentiles():
    assert (percentile([], 95), percentile([1.5], 95)) == (None, 1.5)


def test_a_control_is_good_when_it_is_found_out():
    fault, control = (Fault("f", lambda home: [], is_control=is_control) for is_control in (False, True))
    assert is_good(fault, [outcome()])
    assert not is_good(fault, [outcome(), outcome("I2")])
    assert is_good(control, [outcome("I2")])
    assert not is_good(control, [outcome()])


def test_steps_are_named_without_what_is_random_in_them():
    steps = ["open .rlhf/a/.x.0123456789abcdef0123456789abcdef.tmp", "os.rename models/sft"]
    steps += ["open .rlhf/a/.x.ffffffffffffffffffffffffffffffff.tmp", "os.mkdir step-00000012"]
    assert named(steps) == {"open .rlhf/a/.x.*.tmp": 1, "os.rename models/sft": 2, "os.mkdir step-N": 4}
