"""Two processes give what one gives, but for the order of float32 additions; also where they divide the model."""

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
#: What one process made, and what two made that each have the whole model, or divide it.
WAYS = {"one": (1, "whole"), "whole": (2, "whole"), "sharded": (2, "sharded")}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}
    for way, (processes, model) in WAYS.items():
        made[way] = tmp_path_factory.mktemp(way)
        launch(made[way], processes, model)
    return made


def launch(folder, processes, model):
    alone = [sys.executable]
    team = [*alone, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    job = str(ROOT / "tests/training/team_job.py")
    subprocess.run(
        [*(alone if processes == 1 else team), job, str(folder), model],
        check=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"},
    )


def history(folder):
    return json.loads((folder / "log.json").read_text())


@pytest.mark.parametrize("job", [job for job in JOBS if job != "bfloat16"])
@pytest.mark.parametrize("way", ["whole", "sharded"])
def test_two_processes_give_what_one_gives(way, job, folders):
    one, two = folders["one"] / job, folders[way] / job
    weights, shared = load_file(one / "m.safetensors"), load_file(two / "m.safetensors")
    assert shared.keys() == weights.keys()
    for name, value in weights.items():
        torch.testing.assert_close(shared[name], value, rtol=0, atol=TOLERANCE)
    assert len(history(one)) == len(history(two)) > 1
    for step, shared_step in zip(history(one), history(two), strict=True):
        assert shared_step == pytest.approx(step, rel=1e-4, abs=1e-4, nan_ok=True)


@pytest.mark.parametrize("way", WAYS)
def test_in_bfloat16_every_round_starts_with_the_policy_that_learned(way, folders):
    """The one update of a round divides by what the sampler said, in the same precision and with the same weights.

    Measured: a ratio of 1 to 3e-8, a KL of 0. A sampler in float32 would be 3e-5 away, one that has not learned 0.1.
    """
    rounds = history(folders[way] / "bfloat16")
    assert [row["ratio"] for row in rounds] == pytest.approx([1.0] * 3, abs=1e-3)
    assert all(row["approx_kl"] < 1e-5 for row in rounds)
    assert rounds[-1]["kl"] > 0.1, "the policy has moved"
    weights = load_file(folders[way] / "bfloat16/m.safetensors").values()
    assert {weight.dtype for weight in weights} == {torch.float32}


def test_each_process_holds_half_of_a_divided_model(folders):
    """Of the copy that learns: nothing of it stays gathered, and its two layers are gathered one by one."""
    held = [json.loads((folders["sharded"] / f"held-{rank}.json").read_text()) for rank in (0, 1)]
    assert held[0]["whole"] == held[1]["whole"] > 150_000
    for part in held:
        assert part["layers"] == 2
        assert part["weights"] / part["whole"] == pytest.approx(0.5, abs=0.02)
        assert part["moments"] / part["whole"] == pytest.approx(2 * 0.5, abs=0.04)


def test_rows_are_dealt_one_by_one():
    workers = Alone()
    workers.rank, workers.size = 1, 3
    assert share(workers, range(8)) == [1, 4, 7]
    assert share(Alone(), "abc") == ["a", "b", "c"]
