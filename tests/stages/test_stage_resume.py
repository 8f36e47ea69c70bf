"""Stages that are killed and rerun write the very bytes of stages that were not; and never go on from other runs."""

import os
import shutil
import subprocess
import sys

import pytest
import yaml
from stages.small_project import ROOT, change_params
from stages.small_workspace import MODELS, outputs, said
from stages.stage_processes import kill_after_step, run, start

from components.errors import DataError
from components.files import digest_tree
from components.stages import checkpointing, forgetting, ppo
from components.stages.checkpointing import key_of

KILLED = -9


def checkpoints(workspace):
    return sorted(path.name for path in (workspace / ".rlhf/checkpoints").glob("*/*/step-*"))


@pytest.mark.parametrize("stage", MODELS)
def test_a_stage_that_is_killed_and_rerun_writes_the_same_bytes(whole, workspace, stage):
    shutil.rmtree(workspace / "models" / MODELS[stage], ignore_errors=True)
    process = start(stage, workspace)
    kill_after_step(process, stage, 2, workspace)
    process.join()
    assert process.exitcode == KILLED
    assert not (workspace / "models" / MODELS[stage]).exists()
    assert run(stage, workspace) == 0
    assert "going on after step" in said(workspace)
    assert outputs(workspace, stage) == outputs(whole, stage)
    assert not (workspace / ".rlhf/checkpoints" / stage).exists(), "forgotten after success"


def test_a_kill_when_training_is_over_repeats_no_training(whole, workspace):
    before = digest_tree(workspace / "models/sft")
    assert run("sft", workspace, dies_saving=True) == KILLED
    assert digest_tree(workspace / "models/sft") == before
    last = checkpoints(workspace)[-1]
    assert run("sft", workspace) == 0
    assert f"going on after step {int(last[5:])}," in said(workspace)
    assert said(workspace).count(f"[sft] {int(last[5:])}/") == 1
    assert outputs(workspace, "sft") == outputs(whole, "sft")


def test_a_kill_before_dvc_has_kept_the_outputs_repeats_no_training(whole, workspace):
    """DVC removes them when it runs the stage again; the next stage's start says that they are kept."""
    assert run("sft", workspace, DVC_STAGE="sft") == 0
    shutil.rmtree(workspace / "models/sft")
    last = int(checkpoints(workspace)[-1][5:])
    assert run("sft", workspace, DVC_STAGE="sft") == 0
    assert f"going on after step {last}," in said(workspace)
    assert said(workspace).count(f"[sft] {last}/") == 1
    assert outputs(workspace, "sft") == outputs(whole, "sft")
    assert run("dpo", workspace, DVC_STAGE="dpo") == 0
    assert {path.name for path in (workspace / ".rlhf/checkpoints").iterdir()} == {"dpo"}


def test_a_later_stage_alone_leaves_an_earlier_one_what_it_goes_on_from(whole, workspace):
    """As `dvc repro --single-item dpo` starts it: DVC has outputs of an earlier run of sft; this one is not over."""
    process = start("sft", workspace, DVC_STAGE="sft")
    kill_after_step(process, "sft", 2, workspace)
    process.join()
    last = int(checkpoints(workspace)[-1][5:])
    assert run("dpo", workspace, DVC_STAGE="dpo") == 0
    assert run("sft", workspace, DVC_STAGE="sft") == 0
    assert f"going on after step {last}," in said(workspace)
    assert outputs(workspace, "sft") == outputs(whole, "sft")


def test_the_module_as_dvc_starts_it_can_be_killed_too(whole, workspace):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "components.stages.dpo"]
    process = subprocess.Popen(command, cwd=workspace, env=environment, stdout=subprocess.DEVNULL)
    kill_after_step(process, "dpo", 3, workspace)
    assert process.wait() == KILLED
    assert run("dpo", workspace) == 0
    assert "going on after step" in said(workspace)
    assert outputs(workspace, "dpo") == outputs(whole, "dpo")


def test_another_seed_starts_anew_and_sweeps_what_it_cannot_use(whole, workspace):
    process = start("dpo", workspace)
    kill_after_step(process, "dpo", 2, workspace)
    process.join()
    change_params(workspace, {"seed": 8})
    assert run("dpo", workspace) == 0
    assert "going on" not in said(workspace)
    assert outputs(workspace, "dpo")[0] != outputs(whole, "dpo")[0]
    assert not (workspace / ".rlhf/checkpoints/dpo").exists()


def edit_data(workspace):
    path = workspace / "data/prepared/preferences/train.parquet"
    path.write_bytes(path.read_bytes() + b"\0")


def edit_model(workspace):
    path = workspace / "models/sft/model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


CHANGES = {
    "seed": lambda workspace: change_params(workspace, {"seed": 8}),
    "its parameters": lambda workspace: change_params(workspace, {"dpo": {"beta": 0.31}}),
    "how it trains": lambda workspace: change_params(workspace, {"train": {"microbatch_tokens": 999}}),
    "data": edit_data,
    "model": edit_model,
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_key_changes_with_every_input(workspace, monkeypatch, name):
    monkeypatch.chdir(workspace)
    before = key_of("dpo")
    assert key_of("dpo") == before
    CHANGES[name](workspace)
    assert key_of("dpo") != before


def test_the_key_changes_with_what_automatic_precision_comes_to(workspace, monkeypatch):
    monkeypatch.chdir(workspace)

    def keys(precision):
        change_params(workspace, {"train": {"precision": precision}})
        found = []
        for hardware in (True, False):
            monkeypatch.setattr(checkpointing, "computes_in_bfloat16", lambda has=hardware: has)
            found.append(key_of("dpo"))
        return found

    assert len(set(keys("auto"))) == 2
    assert len(set(keys("fp32"))) == 1


def test_a_missing_input_is_named_and_no_checkpoint_swept(workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    kept = workspace / ".rlhf/checkpoints/ppo/0123456789abcdef"
    kept.mkdir(parents=True)
    (workspace / "models/reward").rename(workspace / "models/away")
    with pytest.raises(DataError, match="models/reward not found") as caught:
        ppo.main()
    assert "dvc repro" in caught.value.remedy
    assert kept.is_dir()


def test_the_key_stays_when_something_else_changes(workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    before = key_of("dpo")
    change_params(workspace, {"ppo": {"kl_coef": 0.9}, "checkpoints": {"seconds": 5}})
    (workspace / "models/reward/reward.json").write_text("{}")
    assert key_of("dpo") == before


def test_the_key_changes_with_the_code_that_the_stage_runs(workspace, monkeypatch, tmp_path):
    monkeypatch.chdir(workspace)
    before = key_of("dpo"), key_of("sft")
    no_caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "components", tmp_path / "code/components", ignore=no_caches)
    shutil.copy(ROOT / "dvc.yaml", tmp_path / "code")
    monkeypatch.setattr(forgetting, "SOURCES", tmp_path / "code")
    assert (key_of("dpo"), key_of("sft")) == before
    with (tmp_path / "code/components/training/dpo.py").open("a") as handle:
        handle.write("# another line\n")
    assert key_of("dpo") != before[0]
    assert key_of("sft") == before[1]


def test_the_key_changes_with_a_base_model_in_a_folder(workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    shutil.copytree(workspace / "models/sft", workspace / "base")
    change_params(workspace, {"model": {"base": "base"}})
    change_params(workspace, {"reward_model": {"base": "base"}})
    before = key_of("sft"), key_of("reward_model"), key_of("judge")
    path = workspace / "base/model.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\1\2\3\4")
    after = key_of("sft"), key_of("reward_model"), key_of("judge")
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, True]


def test_the_graph_of_the_workspace_is_the_one_that_counts(workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    before = key_of("dpo")
    graph = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    graph["stages"]["dpo"]["deps"].append("models/reward")
    (workspace / "dvc.yaml").write_text(yaml.safe_dump(graph))
    assert key_of("dpo") != before
