"""kill -9 at the steps of a cleaning: what stays is whole, and cleaning again ends as if undisturbed."""

import json
import os
import subprocess
import sys
from pathlib import Path

from cleaning.cleaning_deaths import SORTS

TESTS = Path(__file__).parents[1]


def test_a_cleaning_may_die_anywhere(root, saved):
    command = [sys.executable, "-m", "cleaning.cleaning_deaths", *map(str, saved)]
    environment = os.environ | {"PYTHONPATH": f"{TESTS}:{TESTS.parent}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=800)
    assert done.returncode == 0, done.stderr
    undisturbed, *lines = [json.loads(line) for line in done.stdout.splitlines()]
    died = list(zip(lines[::2], lines[1::2], strict=True))
    assert len(died) == len(SORTS)
    for step, seen in died:
        found, after = seen["found"], seen["after"]
        assert (found["champion"], found["mismatches"], found["faults"]) == ("3", [], []), step
        assert after == undisturbed, step
