"""What a round reports of itself, each figure worked out by hand or from plain forwards."""

import math
from dataclasses import replace
from statistics import fmean, pvariance

import pytest
import torch
from training.policy_case import make_case, params_of
from training.test_targets import TWO
from training.test_updates import make_round, nudge, one_step, tokens_of, update

from components.training.policy import describe, length_correlation
from components.training.targets import compute_targets
from components.training.updates import Round

#: Everything that the published implementations log; tokens a second are printed, not kept (test_step_log.py).
LOGGED = {
    *(
        "score",
        "reward",
        "kl",
        "kl_coef",
        "entropy",
        "approx_kl",
        "eos_rate",
        "truncated",
        "length",
        "length_correlation",
        "disagreement",
        "tokens",
    ),
    *("clip_fraction", "value_clip_fraction", "ratio", "ratio_variance", "explained_variance"),
    *("policy_loss", "value_loss", "policy_grad_norm", "value_grad_norm", "updates", "skipped"),
}


def test_a_round_by_hand():
    """Two responses: of two tokens that ended itself, and of three that was cut."""
    params = params_of(gamma=1.0, lam=0.95)
    found = describe(Round(TWO, compute_targets(TWO, params, 0.05), params, 0.05))
    values, returns = [0.0, 0.0, 0.5, 1.0, 2.0], [2.8725, 3.05, -2.5625, -2.75, -3.0]
    errors = [wanted - value for wanted, value in zip(returns, values, strict=True)]
    assert found == pytest.approx(
        {
            "score": (3.0 - 7.0) / 2,
            # -0.025 + 3.05 and -7: the sum over a response, the mean over responses.
            "reward": (3.025 - 7.0) / 2,
            "disagreement": (0.5 + 1.5) / 2,
            "kl": (0.5 - 1.0) / 2,
            "kl_coef": 0.05,
            "eos_rate": 0.5,
            "truncated": 0.5,
            "length": 2.5,
            # Of a single response that ended there is none.
            "length_correlation": math.nan,
            "tokens": 5.0,
            "explained_variance": 1 - pvariance(errors) / pvariance(returns),
        },
        abs=1e-5,
        nan_ok=True,
    )


def test_scores_beside_lengths_by_hand():
    """Lengths 1, 2, 3 with scores 1, 2, 4, and a cut response of four tokens whose fixed score must not count."""
    mask = torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]], dtype=torch.bool)
    ended = torch.tensor([True, True, True, False])
    rollouts = replace(TWO, response_mask=mask, ended=ended, scores=torch.tensor([1.0, 2.0, 4.0, -3.0]))
    # Covariance 3 of (-1, 0, 1) with (-4/3, -1/3, 5/3), over the root of 2 times 42/9.
    assert length_correlation(rollouts) == pytest.approx(3 / math.sqrt(2 * 42 / 9))
    assert math.isnan(length_correlation(replace(rollouts, scores=torch.ones(4))))


@pytest.mark.parametrize("critic", ["separate", "shared"])
def test_all_that_should_be_watched_is_logged(tmp_path, critic):
    (row,) = make_case(tmp_path, iterations=1, critic=critic).train()
    # A shared trunk has one gradient for both.
    assert LOGGED - set(row) == ({"value_grad_norm"} if critic == "shared" else set())
    assert all(math.isfinite(value) for value in row.values())


def entropy(logits):
    table = logits.double().log_softmax(-1)
    return -(table.exp() * table).sum(-1)


@torch.no_grad()
def test_entropy_and_approximate_kl_by_hand(tmp_path):
    """Of the policy at its temperature, over response tokens alone; the KL from the policy that sampled."""
    case = one_step(tmp_path, temperature=0.7, epsilon=0.2)
    this = make_round(case)
    nudge(case.sampler.policy)
    policy, entropies = case.sampler.policy, []
    for row in this.rollouts.rows:
        logits = policy(torch.tensor([row.ids])).logits[0] / 0.7
        entropies += entropy(logits[len(row.prompt) - 1 : -1]).tolist()
    sampled_by = this.rollouts.logprobs[this.rollouts.response_mask].tolist()
    moved = [new - old for (new, *_), old in zip(tokens_of(this, policy), sampled_by, strict=True)]
    with torch.enable_grad():
        figures = update(case, this)
    assert figures["entropy"] == pytest.approx(fmean(entropies), rel=1e-4)
    kl = fmean(math.exp(change) - 1 - change for change in moved)
    assert kl > 0.005
    assert figures["approx_kl"] == pytest.approx(kl, rel=1e-3)


def clipped_error(value, old, wanted, clip):
    """Half the larger squared error, and whether the clip held the value back for nothing but that."""
    held = old + max(-clip, min(clip, value - old))
    return 0.5 * max((value - wanted) ** 2, (held - wanted) ** 2), (held - wanted) ** 2 > (
        value - wanted
    ) ** 2


@torch.no_grad()
@pytest.mark.parametrize("critic", ["separate", "shared"])
def test_the_value_clip_holds_to_the_values_of_the_rollout(tmp_path, critic):
    """The critic moved further than the clip before this step: it is held to what it said while sampling."""
    case = one_step(tmp_path, critic=critic, value_clip=0.05, clip_eps=0.4)
    this = make_round(case)
    head = case.sampler.policy.value_head if critic == "shared" else case.critic.score
    trunk = case.sampler.policy if critic == "shared" else case.critic
    torch.manual_seed(1)
    head.weight.add_(0.05 * torch.randn_like(head.weight))
    losses, clipped = [], []
    for b, row in enumerate(this.rollouts.rows):
        states = trunk.base_model(torch.tensor([row.ids])).last_hidden_state[0, len(row.prompt) - 1 : -1]
        for t, value in enumerate(head(states)[:, 0].tolist()):
            old, wanted = this.rollouts.values[b, t].item(), this.targets.returns[b, t].item()
            loss, held = clipped_error(value, old, wanted, 0.05)
            losses.append(loss)
            clipped.append(held)
    with torch.enable_grad():
        figures = update(case, this)
    assert figures["value_loss"] == pytest.approx(fmean(losses), rel=1e-4)
    assert 0.05 < figures["value_clip_fraction"] == pytest.approx(fmean(clipped), abs=1e-6)


def test_a_rounds_figures_are_means_over_its_steps(tmp_path):
    case = make_case(tmp_path, epochs=2, minibatches=2, target_kl=100.0)
    steps = {"policy": [], "critic": []}
    for name, learner in case.learners.parts().items():

        def note(lengths, loss, learner=learner, name=name, make=learner.update):
            steps[name].append(make(lengths, loss))
            return steps[name][-1]

        learner.update = note
    row = update(case, make_round(case))
    assert [len(made) for made in steps.values()] == [4, 4]
    for name in ("entropy", "policy_loss", "approx_kl", "clip_fraction", "ratio"):
        assert row[name] == pytest.approx(fmean(step.figures[name] for step in steps["policy"]))
    assert row["value_loss"] == pytest.approx(fmean(step.figures["value_loss"] for step in steps["critic"]))
    assert row["policy_grad_norm"] == pytest.approx(fmean(step.grad_norm for step in steps["policy"]))
    assert row["value_grad_norm"] == pytest.approx(fmean(step.grad_norm for step in steps["critic"]))


def test_the_controller_is_told_nats_a_sequence_and_not_a_token(tmp_path):
    """A target between the two: only the KL of whole responses is above it, so the coefficient rises."""
    case = make_case(tmp_path, kl_coef=0.1, kl_target=1.0, kl_horizon=100, epochs=1, minibatches=1)
    nudge(case.sampler.policy, 0.05)
    first, second = case.train()
    assert first["kl"] > 1.3
    assert first["kl"] / first["length"] < 0.7
    # 8 episodes of a horizon of 100, the error clipped at 0.2.
    assert second["kl_coef"] == pytest.approx(0.1 * 1.016)


def test_the_policy_that_samples_is_not_in_training_mode(tmp_path):
    """Dropout is off in everything that learns, too, and stays off."""
    case = make_case(tmp_path)
    case.train()
    for model in (case.sampler.policy, case.critic):
        assert not any(module.training for module in model.modules())
        dropouts = [module for module in model.modules() if isinstance(module, torch.nn.Dropout)]
        assert max(module.p for module in dropouts) == 0.1, "there is dropout that could have been on"
