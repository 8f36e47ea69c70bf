"""The steps of one round against losses worked out from plain forwards, token by token."""

import copy
import dataclasses
import math
from statistics import fmean

import pytest
import torch
from modeling.tiny_models import FAMILIES, plain_logprobs
from training.policy_case import ALGORITHMS, make_case

from components.training.learner import Compute
from components.training.targets import compute_targets
from components.training.updates import Round, _policy_figures, update_models

KL_COEF = 0.3


def make_round(case):
    rollouts = case.collect()
    return Round(rollouts, compute_targets(rollouts, case.params, KL_COEF), case.params, KL_COEF)


def update(case, this, seed=0):
    return update_models(
        this, case.learners.policy, case.learners.critic, torch.Generator().manual_seed(seed)
    )


def one_step(folder, family="gpt2", compute=None, **change):
    """A round whose update is a single step over all of it."""
    return make_case(folder, family, compute=compute, **({"epochs": 1, "minibatches": 1} | change))


def nudge(model, size=0.02):
    """Move a policy away from where it sampled, as updates before this one would have."""
    torch.manual_seed(5)
    for weight in model.parameters():
        weight.data += size * torch.randn_like(weight)


def tokens_of(this, policy):
    """Per real token: new logprob by a plain forward, behaviour's, reference's, advantage."""
    found = []
    rollouts = this.rollouts
    for b, row in enumerate(rollouts.rows):
        new = plain_logprobs(policy, row.prompt, row.response, this.params.temperature)
        for t, logprob in enumerate(new):
            place = (b, t)
            found.append(
                (
                    logprob,
                    rollouts.behaviour[place].item(),
                    rollouts.ref_logprobs[place].item(),
                    this.targets.advantages[place].item(),
                )
            )
    return found


def surrogate(ratio, advantage, clip=0.2, dual=None):
    """Schulman 2017, eq. 7, for one token; Ye 2019 below a negative advantage."""
    gain = min(ratio * advantage, max(1 - clip, min(1 + clip, ratio)) * advantage)
    return max(gain, dual * advantage) if dual is not None and advantage < 0 else gain


@pytest.mark.parametrize("family", FAMILIES)
def test_the_first_ratio_is_1_and_nothing_is_clipped(family, tmp_path):
    case = one_step(tmp_path, family)
    this = make_round(case)
    first = update(case, this)
    # Sampled through the cache, trained through the packed forward: float32 apart, 1e-5 of a ratio.
    assert first["ratio"] == pytest.approx(1.0, abs=1e-5)
    assert first["ratio_variance"] == pytest.approx(0.0, abs=1e-9)
    assert first["clip_fraction"] == 0.0
    assert first["approx_kl"] == pytest.approx(0.0, abs=1e-9)
    assert first["entropy"] > 1.0
    assert abs(update(case, this)["ratio"] - 1.0) > 1e-4


@pytest.mark.parametrize(
    "change", [{}, {"dual_clip": 1.1}, {"epsilon": 0.3}, {"temperature": 1.4, "top_k": 40}]
)
def test_the_ppo_loss_by_hand(tmp_path, change):
    """The ratio divides by the probability that the token was really drawn with."""
    case = one_step(tmp_path, **change)
    this = make_round(case)
    nudge(case.sampler.policy)
    tokens = tokens_of(this, case.sampler.policy)
    ratios = [math.exp(new - drawn) for new, drawn, _, _ in tokens]
    gains = [surrogate(r, t[3], dual=change.get("dual_clip")) for r, t in zip(ratios, tokens, strict=True)]
    figures = update(case, this)
    assert figures["policy_loss"] == pytest.approx(-fmean(gains), rel=1e-3, abs=1e-4)
    assert figures["ratio"] == pytest.approx(fmean(ratios), rel=1e-3)
    variance = fmean((ratio - fmean(ratios)) ** 2 for ratio in ratios)
    assert figures["ratio_variance"] == pytest.approx(variance, rel=1e-2)
    held = [gain != r * t[3] for gain, r, t in zip(gains, ratios, tokens, strict=True)]
    assert 0 < figures["clip_fraction"] == pytest.approx(fmean(held), abs=1e-6)


def test_with_epsilon_the_policys_own_logprobs_would_give_another_loss(tmp_path):
    case = one_step(tmp_path, epsilon=0.3)
    this = make_round(case)
    figures = update(case, this)
    behind = (this.rollouts.logprobs - this.rollouts.behaviour)[this.rollouts.response_mask].exp()
    assert figures["ratio"] == pytest.approx(behind.mean().item(), rel=1e-4)
    # Not one ratio but many: a ratio of policy to policy would have none of this.
    assert figures["ratio_variance"] == pytest.approx(behind.var(correction=0).item(), rel=1e-3)
    assert figures["ratio_variance"] > 0.01


def test_exploring_is_not_taken_for_having_moved(tmp_path):
    """A policy that stays where it is makes all its steps, however far its behaviour strays from it."""
    case = make_case(tmp_path, epsilon=0.5, learning_rate=1e-12, target_kl=0.01)
    figures = update(case, make_round(case))
    assert figures["updates"] == 4.0
    assert figures["approx_kl"] == pytest.approx(0.0, abs=1e-6)


def test_the_reinforce_loss_by_hand(tmp_path):
    case = one_step(tmp_path, algorithm="reinforce")
    this = make_round(case)
    nudge(case.sampler.policy)
    expected = -fmean(new * advantage for new, _, _, advantage in tokens_of(this, case.sampler.policy))
    figures = update(case, this)
    assert figures["policy_loss"] == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert figures["clip_fraction"] == 0.0


def test_grpo_minimises_the_kl_beside_the_surrogate(tmp_path):
    case = one_step(tmp_path, algorithm="grpo", samples_per_prompt=4)
    this = make_round(case)
    nudge(case.sampler.policy)
    tokens = tokens_of(this, case.sampler.policy)
    policy_loss = -fmean(surrogate(math.exp(new - drawn), a) for new, drawn, _, a in tokens)
    # k3 against the reference: exp(ref - new) - 1 - (ref - new)
    kl = fmean(math.exp(ref - new) - 1 - (ref - new) for new, _, ref, _ in tokens)
    rows = list(range(8))
    figures = _policy_figures(this, rows, case.learners.policy, this.tokens(rows))
    assert kl > 0.01
    assert figures["policy_loss"].item() == pytest.approx(policy_loss, rel=1e-3, abs=1e-4)
    assert figures["loss"].item() == pytest.approx(policy_loss + KL_COEF * kl, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("critic", ["separate", "shared"])
def test_the_value_loss_by_hand(tmp_path, critic):
    """Before any step the values are the old ones: half the mean squared distance to the returns."""
    case = one_step(tmp_path, critic=critic, vf_coef=0.7)
    if critic == "shared":
        torch.nn.init.normal_(case.sampler.policy.value_head.weight)
    this = make_round(case)
    real = this.rollouts.response_mask
    expected = 0.5 * (this.rollouts.values - this.targets.returns)[real].square().mean().item()
    rows = list(range(8))
    if critic == "shared":
        figures = _policy_figures(this, rows, case.learners.policy, this.tokens(rows))
        both = figures["policy_loss"] + 0.7 * figures["value_loss"]
        assert figures["loss"].item() == pytest.approx(both.item(), rel=1e-5)
    figures = update(case, this)
    assert figures["value_loss"] == pytest.approx(expected, rel=1e-4)
    assert figures["value_clip_fraction"] == 0.0
    if critic == "separate":
        assert update(case, this)["value_loss"] < figures["value_loss"]


@pytest.mark.parametrize("critic", ["separate", "shared"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_portions_change_no_figure_and_no_weight(tmp_path, algorithm, critic):
    found = {}
    for tokens in (1, 16_384):
        case = make_case(
            tmp_path / str(tokens),
            compute=Compute(microbatch_tokens=tokens),
            **({"algorithm": algorithm, "critic": critic} | ALGORITHMS[algorithm]),
        )
        figures = update(case, make_round(case))
        found[tokens] = figures, [weight.detach().clone() for weight in case.sampler.policy.parameters()]
    assert found[1][0] == pytest.approx(found[16_384][0], rel=2e-3, abs=1e-6)
    for left, right in zip(found[1][1], found[16_384][1], strict=True):
        # float32, Adam's first steps: 1e-3 each, a few thousandths of them by rounding.
        torch.testing.assert_close(left, right, rtol=0, atol=5e-5)


def test_garbage_behind_the_mask_reaches_no_loss(tmp_path):
    case = one_step(tmp_path)
    twin = copy.deepcopy(case.learners)
    this = make_round(case)
    assert not this.rollouts.response_mask.all()

    def spoil(table):
        return table.masked_fill(~this.rollouts.response_mask, float("nan"))

    spoiled = Round(
        dataclasses.replace(
            this.rollouts,
            **{
                name: spoil(getattr(this.rollouts, name))
                for name in ("logprobs", "ref_logprobs", "behaviour", "values")
            },
        ),
        dataclasses.replace(
            this.targets, advantages=spoil(this.targets.advantages), returns=spoil(this.targets.returns)
        ),
        case.params,
        KL_COEF,
    )
    clean = update(case, this)
    case.learners = twin
    assert update(case, spoiled) == clean
