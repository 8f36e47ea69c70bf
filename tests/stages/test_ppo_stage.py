"""The ppo stage with each algorithm, critic and precision that params.yaml can name."""

import csv
import json
import math

import pytest
import torch
from stages.small_project import change_params
from stages.small_workspace import said
from stages.stage_processes import run
from transformers import AutoModelForCausalLM

from components.config import load_params
from components.files import digest_tree
from components.stages import ppo
from components.stages.candidates import kept_policies
from components.stages.training_run import compute_from
from components.training.learner import Compute

VARIANTS = {
    "shared trunk": {"ppo": {"critic": "shared"}},
    "reinforce": {"ppo": {"algorithm": "reinforce"}},
    "rloo": {"ppo": {"algorithm": "rloo", "samples_per_prompt": 2}},
    "grpo": {"ppo": {"algorithm": "grpo", "samples_per_prompt": 4, "kl_target": None}},
    "exploring": {
        "ppo": {"epsilon": 0.1, "top_k": 50, "top_p": 0.9, "dual_clip": 3.0, "whiten_rewards": True}
    },
    "bf16": {"train": {"precision": "bf16"}},
    "bf16 and shared trunk": {"train": {"precision": "bf16"}, "ppo": {"critic": "shared"}},
}


def rows(workspace):
    with (workspace / "reports/steps/ppo.csv").open() as handle:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(handle)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_policy_comes_out(workspace, variant):
    change_params(workspace, VARIANTS[variant])
    change_params(workspace, {"ppo": {"iterations": 3}})
    before = {name: digest_tree(workspace / "models" / name) for name in ("sft", "reward")}
    assert run("ppo", workspace) == 0, said(workspace)
    steps = rows(workspace)
    assert [row["step"] for row in steps] == [1, 2, 3]
    # Where fewer than two responses end themselves there is nothing to correlate.
    measured = [value for row in steps for name, value in row.items() if name != "length_correlation"]
    assert all(map(math.isfinite, measured))
    # Policy and reference are one model at first: in bfloat16, one in the same precision.
    # A sequence has up to 64 tokens, each apart by a millionth in float32.
    assert steps[0]["kl"] == pytest.approx(0.0, abs=0.05 if "bf16" in variant else 1e-4)
    assert all(row["skipped"] == 0 for row in steps)
    figures = json.loads((workspace / "reports/ppo.json").read_text())
    assert {"score", "kl", "entropy", "eos_rate", "length"} <= set(figures)
    before_it = AutoModelForCausalLM.from_pretrained(workspace / "models/sft")
    folders = kept_policies(workspace / "models/ppo")
    assert list(folders) == [1, 2, 3]
    for folder in folders.values():
        model = AutoModelForCausalLM.from_pretrained(folder)
        assert model.state_dict().keys() == before_it.state_dict().keys()
        assert {weight.dtype for weight in model.parameters()} == {torch.float32}
        assert any(
            not torch.equal(a, b) for a, b in zip(model.parameters(), before_it.parameters(), strict=True)
        )
        before_it = model
    assert {name: digest_tree(workspace / "models" / name) for name in before} == before


@pytest.mark.parametrize("variant", ["shared trunk", "bf16", "adapters"])
def test_a_snapshot_is_the_policy_as_it_was_then(workspace, monkeypatch, variant):
    """That of the last iteration is what the stage saves itself; those before it are made in the same way."""
    monkeypatch.chdir(workspace)
    change_params(workspace, VARIANTS.get(variant, {"train": {"lora_rank": 2}}))
    change_params(workspace, {"ppo": {"iterations": 2, "snapshots": 1}})
    monkeypatch.setattr(ppo, "after_outputs", lambda stage: None)
    ppo.main()
    params = load_params()
    ((iteration, weights),) = ppo.snapshots_for("ppo", [2], writes=False).kept()
    snapshot = ppo.policy_with(weights, params.ppo, compute_from(params.train)).state_dict()
    saved = AutoModelForCausalLM.from_pretrained("models/ppo/iteration-00002").state_dict()
    assert iteration == 2
    assert saved.keys() == snapshot.keys()
    assert all(torch.equal(saved[name], snapshot[name]) for name in saved)


def test_the_reference_computes_in_the_policys_precision_and_stays(workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    params = load_params().ppo
    for dtype in (torch.float32, torch.bfloat16):
        sampler, learners = ppo.set_up(params, Compute(dtype))
        for model in (sampler.policy, sampler.reference):
            assert {weight.dtype for weight in model.parameters()} == {dtype}
        assert not any(weight.requires_grad for weight in sampler.reference.parameters())
        assert all(weight.requires_grad for weight in sampler.policy.parameters())
        assert learners.policy.model is sampler.policy


def test_portions_change_nothing_but_rounding(whole, workspace):
    change_params(workspace, {"train": {"microbatch_tokens": 100}, "ppo": {"iterations": 8}})
    assert run("ppo", workspace) == 0, said(workspace)
    for row, expected in zip(rows(workspace), rows(whole), strict=True):
        # Eight rounds of sampling: a token that falls the other way would show in the first digits.
        assert row["score"] == pytest.approx(expected["score"], abs=1e-3)
        assert row["length"] == expected["length"]


def test_an_alarm_is_said_while_it_runs(workspace):
    change_params(workspace, {"alarms": {"max_disagreement_ratio": 9.0, "min_entropy_ratio": 0.999}})
    change_params(
        workspace, {"ppo": {"iterations": 6, "learning_rate": 3.0e-2, "kl_coef": 0.0, "target_kl": 99.0}}
    )
    assert run("ppo", workspace) == 0, said(workspace)
    assert said(workspace).count("alarm: iteration") >= 1
    assert "times: it repeats itself" in said(workspace)
