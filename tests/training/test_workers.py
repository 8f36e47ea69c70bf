"""Two processes give what one gives, but for the order of float32 additions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from training.team_job import JOBS

from components.training.workers import Alone, share

ROOT = Path(__file__).parents[2]
#: Weights of order 0.02 to 1; Adam makes steps of up to 5e-4 of gradients that are nearly rounding. Measured: 3.5e-5.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """What one process made, and what two made."""
    made = []
    for processes in (1, 2):
        folder = tmp_path_factory.mktemp(f"by-{processes}")
        launch(folder, processes)
        made.append(folder)
    return made


def launch(folder, processes):
    alone = [sys.executable]
    team = [*alone, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    subprocess.run(
        [*(alone if processes == 1 else team), str(ROOT / "tests/training/team_job.py"), str(folder)],
        check=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.parametrize("job", JOBS)
def test_two_processes_give_what_one_gives(job, folders):
    one, two = (folder / job for folder in folders)
    weights, shared = load_file(one / "m.safetensors"), load_file(two / "m.safetensors")
    for name, value in weights.items():
        torch.testing.assert_close(shared[name], value, rtol=0, atol=TOLERANCE)
    history, shared_history = (json.loads((folder / "log.json").read_text()) for folder in (one, two))
    assert len(history) == len(shared_history) > 1
    for step, shared_step in zip(history, shared_history, strict=True):
        assert shared_step == pytest.approx(step, rel=1e-4, abs=1e-4)


def test_rows_are_dealt_one_by_one():
    workers = Alone()
    workers.rank, workers.size = 1, 3
    assert share(workers, range(8)) == [1, 4, 7]
    assert share(Alone(), "abc") == ["a", "b", "c"]
