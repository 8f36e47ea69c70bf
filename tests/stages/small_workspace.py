"""A workspace on little simulated feedback in which every training stage has run, and copies of it to work on."""

import shutil

import pytest
from stages.small_project import ingest_simulated, write_params
from stages.stage_processes import run

from components.files import digest_tree

#: More rounds and steps than the smallest, so that there is a middle to be killed in.
LONGER = {
    "checkpoints": {"seconds": 0},
    "reward_model": {"batch_size": 16},
    "judge": {"batch_size": 16, "ensemble": 2},
    "dpo": {"batch_size": 16},
    "ppo": {"iterations": 8, "kl_target": 1.0},
}
MODELS = {"sft": "sft", "reward_model": "reward", "judge": "judge", "ppo": "ppo", "dpo": "dpo"}


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A workspace in which every stage ran without a kill."""
    workspace = tmp_path_factory.mktemp("whole")
    ingest_simulated(workspace, 3, 160, 80, prompts=40, ratings=10)
    write_params(workspace, LONGER)
    for stage in ("prepare", *MODELS):
        assert run(stage, workspace) == 0, (workspace / "said.txt").read_text()
    return workspace


@pytest.fixture
def workspace(whole, tmp_path):
    """Prepared data and, for the stages after them, the models of sft and reward_model."""
    for name in ("data", "models/sft", "models/reward"):
        shutil.copytree(whole / name, tmp_path / name)
    shutil.copy(whole / "params.yaml", tmp_path)
    return tmp_path


def outputs(workspace, stage):
    reports = {
        name: (workspace / "reports" / name).read_bytes() for name in (f"{stage}.json", f"steps/{stage}.csv")
    }
    return digest_tree(workspace / "models" / MODELS[stage]), reports


def said(workspace):
    return (workspace / "said.txt").read_text()
