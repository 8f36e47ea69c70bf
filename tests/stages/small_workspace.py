"""A workspace on little simulated feedback in which every training stage has run, and copies of it to work on."""

import shutil
from pathlib import Path

import pytest
import yaml
from stages.stage_processes import run

from components.feedback.ingestion import ingest_file
from components.feedback.simulator import write_feedback
from components.files import digest_tree

ROOT = Path(__file__).parents[2]
SMALL = {
    "checkpoints": {"seconds": 0},
    "sft": {"epochs": 1},
    "reward_model": {"epochs": 1, "batch_size": 16},
    "dpo": {"epochs": 1, "batch_size": 16},
    "ppo": {"iterations": 8, "rollouts": 8, "epochs": 1, "minibatches": 2, "kl_target": 1.0},
    "tiny": {"n_layer": 1, "n_embd": 32, "n_head": 2, "vocab_size": 512},
}
MODELS = {"sft": "sft", "reward_model": "reward", "ppo": "policy", "dpo": "dpo"}


def change_params(workspace, change):
    path = workspace / "params.yaml"
    params = yaml.safe_load(path.read_text())
    for section, values in change.items():
        params[section] = params[section] | values if isinstance(values, dict) else values
    path.write_text(yaml.safe_dump(params))


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A workspace in which every stage ran without a kill."""
    workspace = tmp_path_factory.mktemp("whole")
    for file in write_feedback(workspace / "files", 3, 160, 80, prompts=40, ratings=10):
        ingest_file(file, workspace / "data")
    shutil.copy(ROOT / "params.yaml", workspace)
    change_params(workspace, SMALL)
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
