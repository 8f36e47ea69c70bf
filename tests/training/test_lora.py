"""Training by adapters: what learns, what does not, and that the reference is the policy without them."""

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
import torch
from modeling.tiny_models import FORMAT, policy, saved_policy, tokenizer
from training.histories import History
from training.policy_case import make_case
from training.preference_rows import COMMON, PAIRS

from components.config import DpoParams, RewardParams
from components.modeling.adapters import Adapters
from components.modeling.loading import new_reward_model
from components.training.dpo import train_dpo
from components.training.learner import Compute, Learner, Schedule
from components.training.reward_model import encode_preferences, train_reward_model
from components.training.rollouts import reference_logprobs
from components.training.run import Run

TOK = tokenizer()
ADAPTERS = Adapters(rank=4, alpha=8.0)
BOTH = [Compute(adapters=ADAPTERS), Compute(torch.bfloat16, adapters=ADAPTERS)]


def case_with_adapters(folder, compute=BOTH[0], **change):
    case = make_case(folder, compute=compute, **change)
    case.sampler = replace(case.sampler, reference=case.sampler.policy)
    return case


def frozen(model):
    return {
        name: weight.detach().clone() for name, weight in model.named_parameters() if not weight.requires_grad
    }


@pytest.mark.parametrize("critic", ["separate", "shared"])
@pytest.mark.parametrize("compute", BOTH, ids=["fp32", "bf16"])
def test_before_any_update_kl_is_0_and_the_ratio_is_1(tmp_path, compute, critic):
    case = case_with_adapters(tmp_path, compute, critic=critic, iterations=1, epochs=1, minibatches=1)
    rollouts = case.collect()
    sampled, real = rollouts.logprobs, rollouts.response_mask
    # Sampling goes token by token and the reference all at once, in fp32 or bf16: rounding, and no more.
    tolerance = 1e-5 if compute.dtype == torch.float32 else 0.05
    assert (sampled - rollouts.ref_logprobs)[real].abs().max() < tolerance
    plain = make_case(tmp_path / "plain", compute=replace(compute, adapters=None), critic=critic)
    same = reference_logprobs(plain.sampler.reference, rollouts.rows, case.params.temperature)
    if compute.dtype == torch.float32:
        assert torch.equal(rollouts.ref_logprobs, same), "bit for bit the model without adapters"
    (row,) = case.train(compute=compute)
    assert row["ratio"] == pytest.approx(1.0, abs=tolerance)
    assert row["clip_fraction"] == 0.0


@pytest.mark.parametrize("compute", BOTH, ids=["fp32", "bf16"])
def test_only_adapters_and_heads_learn_and_are_checkpointed(tmp_path, compute):
    case = case_with_adapters(tmp_path, compute, critic="shared")
    state = case.learners.policy.state()
    names = set(state["weights"])
    assert {name for name in names if "lora_" not in name} == {"value_head.weight", "value_head.bias"}
    # 2 layers, rank 4, (in + out) of four layers each; 32 + 1 of the value head. 41,000 weights do not learn.
    assert sum(weight.numel() for weight in state["weights"].values()) == 2 * 4 * 512 + 33
    assert all(weight.dtype == torch.float32 for weight in state["weights"].values())
    assert len(frozen(case.sampler.policy)) == 28


def reward_learner(folder, compute, family="gpt2"):
    torch.manual_seed(0)
    model, _, _ = new_reward_model(saved_policy(folder, family))
    return model, Learner(model, Schedule(1e-2, 10), compute)


def step(learner):
    """One update from a loss that moves everything that can move."""

    def loss(part):
        states = learner.model.base_model(torch.tensor([[3, 4, 5, 6]])).last_hidden_state
        return {"loss": learner.model.score(states).float().sum()}

    assert learner.update([4], loss).applied


@pytest.mark.parametrize("compute", BOTH, ids=["fp32", "bf16"])
def test_the_base_weights_are_the_same_bits_after_training(tmp_path, compute):
    """In bfloat16 the model computes with rounded ones; what is merged into and saved are the first."""
    model, learner = reward_learner(tmp_path, compute)
    original = new_reward_model(tmp_path)[0].state_dict()
    before = frozen(model)
    for _ in range(5):
        step(learner)
    assert all(torch.equal(weight, before[name]) for name, weight in frozen(model).items())
    learner.finish()
    after = model.state_dict()
    assert after.keys() == original.keys()
    adapted = [name for name in after if ".attn.c_" in name or ".mlp.c_" in name]
    adapted = [name for name in adapted if name.endswith("weight")]
    for name, weight in after.items():
        assert weight.dtype == torch.float32
        assert torch.equal(weight, original[name]) == (name not in [*adapted, "score.weight"]), name
    for name in adapted:
        # Rank 4 at most was added to the float32 weight: rounding it to bfloat16 would have added full rank.
        spectrum = torch.linalg.svdvals((after[name] - original[name]).double())
        assert spectrum[4] < 1e-4 * spectrum[0]


@torch.no_grad()
def scores(model):
    rows = [row for pair in encode_preferences(TOK, FORMAT, PAIRS) for row in (pair.chosen, pair.rejected)]
    return [
        model.score(model.base_model(torch.tensor([row.ids])).last_hidden_state)[0, -1].item() for row in rows
    ]


@pytest.mark.parametrize("family", ["gpt2", "qwen2"])
def test_the_merged_reward_model_has_learned_the_pairs_by_heart(tmp_path, family):
    torch.manual_seed(0)
    model, _, _ = new_reward_model(saved_policy(tmp_path, family))
    history = History()
    params = RewardParams(epochs=80, learning_rate=1e-2, centering=0.0, **COMMON)
    pairs = encode_preferences(TOK, FORMAT, PAIRS)
    train_reward_model(model, pairs, params, Run(0, history, BOTH[0]))
    assert history[-1]["accuracy"] == 1.0
    found = scores(model)
    assert all(chosen - rejected > 1 for chosen, rejected in zip(found[::2], found[1::2], strict=True))


@pytest.mark.parametrize("compute", BOTH, ids=["fp32", "bf16"])
def test_dpo_starts_at_log_2_against_itself_and_learns(compute):
    torch.manual_seed(0)
    model, history = policy("llama", TOK), History()
    params = DpoParams(epochs=40, learning_rate=1e-2, beta=0.5, **COMMON)
    train_dpo(model, encode_preferences(TOK, FORMAT, PAIRS), params, Run(0, history, compute))
    assert history[0]["loss"] == pytest.approx(math.log(2), abs=1e-5)
    assert history[0]["margin"] == pytest.approx(0.0, abs=1e-6)
    assert history[-1]["loss"] < 0.1


def test_ppo_learns_what_is_rewarded(tmp_path):
    """A response that ends itself scores 1, any other 0."""
    change = {"rollouts": 32, "learning_rate": 3e-2, "critic_learning_rate": 3e-2, "kl_coef": 0.0}
    change |= {"epochs": 4, "target_kl": 10.0, "temperature": 1.0, "iterations": 12, "samples_per_prompt": 8}
    case = case_with_adapters(tmp_path, **change, eos=1.5)
    case.with_scores(lambda prompts, responses: [1.0] * len(responses), missing_eos_score=0.0)
    rows = case.train(compute=BOTH[0])
    rates = rows.of("eos_rate")
    assert rates[0] < 0.2
    assert fmean(rates[-2:]) > 0.8
    assert rows[0]["kl"] == pytest.approx(0.0, abs=1e-4)
    assert rows[-1]["kl"] > 1.0, "the reference stayed where it was"
    assert not [name for name in case.sampler.policy.state_dict() if "lora" in name]


#: As on a machine with torch and transformers alone.
BARE = """
import sys
for name in ("peft", "accelerate", "datasets", "pydantic"):
    sys.modules[name] = None
from components.training import dpo, policy, reward_model, sft
"""


def test_the_core_is_imported_without_peft():
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", BARE], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
