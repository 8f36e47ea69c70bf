"""The loop around the updates: schedules, controllers, who stays as it was, and that it can be repeated."""

import copy
import dataclasses

import pytest
import torch
from modeling.tiny_models import FAMILIES, FORMAT
from training.policy_case import ALGORITHMS, TOK, make_case

from components.errors import TrainingDivergedError
from components.modeling.device import cast_weights
from components.modeling.loading import load_base, new_reward_model, save_model
from components.modeling.value_head import attach_value_head, detach_value_head
from components.objectives.kl_control import AdaptiveKl, FixedKl
from components.training.learner import Compute
from components.training.policy import make_kl_controller
from components.training.prompt_queue import PromptQueue
from components.training.scoring import Member, RewardScale, Scorer


def weights_of(model):
    return copy.deepcopy(model.state_dict())


def is_unchanged(model, before):
    return all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("critic", ["separate", "shared"])
def test_before_any_update_the_policy_is_the_reference(tmp_path, family, critic):
    first = make_case(tmp_path, family, critic=critic, epochs=1, minibatches=1).train()[0]
    # float32 apart: 1e-5 a token, a dozen tokens.
    assert first["kl"] == pytest.approx(0.0, abs=1e-4)
    assert first["ratio"] == pytest.approx(1.0, abs=1e-5)
    assert first["clip_fraction"] == 0.0
    assert first["skipped"] == 0.0


def test_in_bfloat16_too(tmp_path):
    """The reference computes in the policy's precision: in float32 it would be 0.01 nats a token away."""
    case = make_case(tmp_path, "llama", epochs=1, minibatches=1, compute=Compute(torch.bfloat16))
    cast_weights(case.sampler.reference, torch.bfloat16)
    first = case.train(compute=Compute(torch.bfloat16))[0]
    # 0.002 a token is what the two forwards may differ by (test_master_weights.py), a dozen tokens.
    assert first["kl"] == pytest.approx(0.0, abs=0.024)
    assert first["ratio"] == pytest.approx(1.0, abs=0.002)
    assert first["clip_fraction"] == 0.0


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_only_those_who_learn_change(tmp_path, algorithm):
    case = make_case(tmp_path / "policy", algorithm=algorithm, **ALGORITHMS[algorithm])
    reward_model, _, _ = new_reward_model(tmp_path / "policy")
    case.with_scores(Scorer([Member(reward_model, TOK, FORMAT, RewardScale(0.0, 1.0))]))
    frozen = {"reference": case.sampler.reference, "reward": reward_model}
    before = {name: weights_of(model) for name, model in frozen.items()}
    policy, critic = weights_of(case.sampler.policy), case.critic and weights_of(case.critic)
    case.train()
    for name, model in frozen.items():
        assert is_unchanged(model, before[name]), name
    assert not is_unchanged(case.sampler.policy, policy)
    if case.critic is not None:
        assert not is_unchanged(case.critic, critic)
    for model in (*frozen.values(), case.sampler.policy):
        # Dropout is off in all models.
        assert not any(module.training for module in model.modules())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_same_seed_gives_the_same_history_and_another_another(tmp_path, algorithm):
    runs = []
    for seed in (5, 5, 6):
        case = make_case(tmp_path / str(len(runs)), algorithm=algorithm, **ALGORITHMS[algorithm])
        runs.append((case.train(seed), weights_of(case.sampler.policy)))
    # As text: a figure that was not measured, NaN, is not equal to itself.
    first, again, other = (repr(history) for history, _ in runs)
    assert first == again != other
    assert all(torch.equal(value, runs[1][1][name]) for name, value in runs[0][1].items())


def test_learning_rates_fall_linearly_to_zero_over_the_rounds(tmp_path):
    case = make_case(tmp_path, iterations=4, learning_rate=1e-3, critic_learning_rate=2e-3)
    rates = []
    collect = case.sampler.collect

    def note(*args):
        rates.append((case.learners.policy.learning_rate, case.learners.critic.learning_rate))
        return collect(*args)

    case.sampler = dataclasses.replace(case.sampler)
    object.__setattr__(case.sampler, "collect", note)
    case.train()
    assert [rate for rate, _ in rates] == pytest.approx([1e-3, 7.5e-4, 5e-4, 2.5e-4])
    assert [rate for _, rate in rates] == pytest.approx([2e-3, 1.5e-3, 1e-3, 5e-4])
    assert case.learners.policy.learning_rate == 0.0


@pytest.mark.parametrize("rollouts", [8, 6])
def test_a_round_makes_epochs_times_minibatches_updates(tmp_path, rollouts):
    """Of uneven size where the rollouts do not divide: 2, 2, 1 and 1 of six."""
    shape = {"iterations": 2, "epochs": 3, "minibatches": 4, "rollouts": rollouts}
    history = make_case(tmp_path, **shape, target_kl=100.0).train()
    assert history.of("updates") == [12.0, 12.0]
    assert history.of("step") == [1, 2]


def test_the_guards_count_updates_where_the_schedule_counts_rounds(tmp_path):
    learners = make_case(tmp_path, iterations=10, epochs=3, minibatches=4).learners
    assert learners.policy.guard.total_steps == learners.critic.guard.total_steps == 120


def test_each_pass_takes_every_response_once_in_another_order(tmp_path):
    case = make_case(tmp_path, iterations=1, epochs=3, minibatches=4, target_kl=100.0)
    taken = []
    update = case.learners.policy.update
    case.learners.policy.update = lambda lengths, loss: (taken.append(list(lengths)), update(lengths, loss))[
        1
    ]
    case.train()
    assert [len(part) for part in taken] == [2] * 12
    passes = [[length for part in taken[i : i + 4] for length in part] for i in (0, 4, 8)]
    assert sorted(passes[0]) == sorted(passes[1]) == sorted(passes[2])
    assert passes[0] != passes[1] != passes[2]


def test_updates_stop_when_the_policy_has_moved_enough(tmp_path):
    history = make_case(tmp_path, target_kl=1e-8, iterations=1, epochs=3).train()
    # The first step has ratio 1 and KL 0; the second sees the move and is the last.
    assert history.of("updates") == [2.0]


def test_the_kl_coefficient_is_steered_towards_its_target(tmp_path):
    """8 episodes of a horizon of 100, the error clipped at 0.2: 1.6 % a round."""
    settings = {"kl_coef": 0.1, "kl_horizon": 100, "iterations": 3}
    falling = make_case(tmp_path / "a", kl_target=50.0, **settings).train().of("kl_coef")
    assert falling == pytest.approx([0.1, 0.1 * 0.984, 0.1 * 0.984**2])
    fast = settings | {"learning_rate": 3e-2, "target_kl": 100.0}
    rising = make_case(tmp_path / "b", kl_target=1e-3, **fast).train()
    assert rising.of("kl")[1] > 0.1
    # In the first round the KL is 0, which is below any target.
    assert rising.of("kl_coef") == pytest.approx([0.1, 0.1 * 0.984, 0.1 * 0.984 * 1.016])
    fixed = make_case(tmp_path / "c", **settings).train().of("kl_coef")
    assert fixed == [0.1, 0.1, 0.1]


def test_which_controller(tmp_path):
    params = make_case(tmp_path).params
    assert isinstance(make_kl_controller(params), FixedKl)
    assert isinstance(make_kl_controller(params.model_copy(update={"kl_target": 6.0})), AdaptiveKl)


def test_a_shared_trunk_learns_values_and_leaves_no_head_behind(tmp_path):
    """Every response that ends scores 2: the values rise to it, and what is left is a causal LM as any other."""
    taught = {"vf_coef": 1.0, "value_clip": 10.0, "learning_rate": 1e-2, "target_kl": 100.0}
    case = make_case(tmp_path, critic="shared", iterations=10, kl_coef=0.0, **taught)
    names = set(case.sampler.reference.state_dict())
    assert case.critic is None
    assert case.learners.critic is None
    assert set(case.sampler.policy.state_dict()) - names == {"value_head.weight", "value_head.bias"}
    case.with_scores(lambda prompts, responses: [2.0] * len(responses), missing_eos_score=0.0)
    history = case.train()
    assert history[0]["value_loss"] > 0.3
    assert history[-1]["value_loss"] < 0.1
    assert set(case.sampler.policy.state_dict()) == names
    save_model(tmp_path / "saved", case.sampler.policy, TOK, FORMAT)
    assert set(load_base(str(tmp_path / "saved"))[0].state_dict()) == names


def test_a_value_head_starts_at_zero_and_can_be_taken_off(tmp_path):
    model = make_case(tmp_path, algorithm="rloo", samples_per_prompt=2).sampler.policy
    before = set(model.state_dict())
    attach_value_head(model)
    assert (model.value_head(torch.randn(3, 32)) == 0).all()
    detach_value_head(model)
    assert set(model.state_dict()) == before


def test_gradients_that_are_not_finite_change_nothing_and_then_end_the_run(tmp_path):
    case = make_case(tmp_path, iterations=3)
    case.with_scores(lambda prompts, responses: [float("nan")] * len(responses), float("nan"))
    before = weights_of(case.sampler.policy)
    with pytest.raises(TrainingDivergedError, match="not finite"):
        case.train()
    assert is_unchanged(case.sampler.policy, before)


def test_every_prompt_once_before_any_comes_again():
    queue = PromptQueue(5, torch.Generator().manual_seed(0))
    drawn = [index for _ in range(10) for index in queue.take(2)]
    passes = [drawn[i : i + 5] for i in (0, 5, 10, 15)]
    assert all(sorted(one) == [0, 1, 2, 3, 4] for one in passes)
    assert len({tuple(one) for one in passes}) > 1
    assert sorted(PromptQueue(2, torch.Generator().manual_seed(0)).take(5)).count(0) in (2, 3)
