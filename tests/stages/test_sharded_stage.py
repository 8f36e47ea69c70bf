"""A stage whose processes divide the models, as params.yaml asks for it."""

import csv
import shutil

import pytest
from stages.small_project import ROOT, change_params
from stages.small_workspace import said
from stages.stage_processes import LONGEST_S, run, start, wait_for_step
from transformers import AutoModelForCausalLM

from components.stages.ending import STOPPED


def rows(workspace):
    with (workspace / "reports/steps/ppo.csv").open() as handle:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(handle)]


def test_two_processes_that_are_told_to_end_and_go_on_write_what_one_writes(workspace):
    change_params(workspace, {"ppo": {"iterations": 6}, "checkpoints": {"seconds": 3600}})
    assert run("ppo", workspace) == 0
    alone = rows(workspace)
    shutil.move(workspace / "models/ppo", workspace / "models/alone")
    (workspace / "said.txt").unlink()
    change_params(workspace, {"train": {"num_processes": 2, "sharding": "full"}})
    first = start("ppo", workspace, PYTHONPATH=str(ROOT))
    wait_for_step("ppo", 1, workspace)
    first.terminate()
    first.join(LONGEST_S)
    assert first.exitcode == STOPPED
    assert "stopped: told to end after step" in said(workspace)
    assert run("ppo", workspace, PYTHONPATH=str(ROOT)) == 0
    assert said(workspace).count("going on after step") == 1
    assert said(workspace).count("[ppo] 6/6 ") == 1, "one of them speaks"
    for row, expected in zip(rows(workspace), alone, strict=True):
        assert row == pytest.approx(expected, rel=1e-3, abs=1e-3, nan_ok=True)
    for iteration in ("iteration-00002", "iteration-00006"):
        models = [
            AutoModelForCausalLM.from_pretrained(workspace / "models" / kind / iteration)
            for kind in ("alone", "ppo")
        ]
        for one, two in zip(*(model.parameters() for model in models), strict=True):
            assert (one - two).abs().max() < 1e-4
    assert not (workspace / ".rlhf/checkpoints/ppo").exists(), "forgotten after success"
