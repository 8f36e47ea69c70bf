"""Every algorithm gets more of what is rewarded."""

from statistics import fmean

import pytest
import torch
from training.policy_case import ALGORITHMS, TOK, make_case

from components.training.learner import Compute

LEARN = {
    "rollouts": 32,
    "learning_rate": 1e-2,
    "critic_learning_rate": 1e-2,
    "kl_coef": 0.0,
    "epochs": 4,
    "target_kl": 10.0,
    "temperature": 1.0,
}
#: A token that the policy says now and then: a plain letter.
SAID = "e"


def asked(change):
    # Four prompts, each eight times; an algorithm without groups takes them as they come.
    return LEARN | change | {"samples_per_prompt": 8}


def train_to_end(folder, iterations, compute=None, **change):
    """A response that ends itself scores 1, any other 0: at first one in sixteen does."""
    case = make_case(folder, eos=1.5, iterations=iterations, compute=compute, **asked(change))
    case.with_scores(lambda prompts, responses: [1.0] * len(responses), missing_eos_score=0.0)
    return case.train(compute=compute).of("eos_rate")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_ending_is_learned(algorithm, tmp_path):
    rates = train_to_end(tmp_path, 10, algorithm=algorithm, **ALGORITHMS[algorithm])
    assert rates[0] < 0.2
    assert fmean(rates[-2:]) > 0.9


def test_ending_is_learned_with_a_shared_trunk_and_in_bfloat16(tmp_path):
    rates = train_to_end(tmp_path, 8, Compute(torch.bfloat16), critic="shared", learning_rate=3e-3)
    assert rates[0] < 0.2
    assert fmean(rates[-2:]) > 0.9


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_one_token_is_said_more_and_more(algorithm, tmp_path):
    change = ALGORITHMS[algorithm]
    # REINFORCE passes over a round once, where the others pass several times.
    rounds = 36 if algorithm == "reinforce" else 12
    case = make_case(tmp_path, iterations=rounds, algorithm=algorithm, **asked(change))
    case.with_scores(lambda prompts, responses: [float(r.count(SAID)) for r in responses])
    scores = case.train().of("score")
    assert scores[0] < 0.3
    assert fmean(scores[-2:]) > 1.0


@pytest.mark.parametrize("algorithm", ["ppo", "grpo"])
def test_the_penalty_holds_the_policy_near_the_reference(tmp_path, algorithm):
    """The same reward with and without a KL coefficient, in the reward (ppo) and in the loss (grpo)."""
    distance = {}
    for coef in (0.0, 10.0):
        change = asked(ALGORITHMS[algorithm]) | {"kl_coef": coef, "learning_rate": 3e-3}
        case = make_case(tmp_path / str(coef), iterations=8, algorithm=algorithm, **change)
        case.with_scores(lambda prompts, responses: [float(r.count(SAID)) for r in responses])
        distance[coef] = fmean(case.train().of("kl")[-2:])
    assert distance[0.0] > 3
    assert abs(distance[10.0]) < 0.5 * distance[0.0]


def test_the_critic_believes_no_more_than_the_fixed_score_where_nothing_ever_ends(tmp_path):
    """Bootstrapped as well, a score of -1 at the cut would be -1 again and again: -20 after as many rounds."""
    taught = {"critic_learning_rate": 3e-3, "value_clip": 10.0, "learning_rate": 1e-4, "iterations": 20}
    case = make_case(tmp_path, eos=-1e9, missing_eos_score=-1.0, **(LEARN | taught | {"rollouts": 8}))
    case.train()
    rollouts = case.collect()
    assert rollouts.values[rollouts.response_mask].mean().item() == pytest.approx(-1.0, abs=0.2)


def test_the_rewarded_letter_is_one_plain_token():
    """The letter is one token, and not one that stands for the end."""
    ids = TOK(SAID, add_special_tokens=False)["input_ids"]
    assert len(ids) == 1
    assert ids[0] not in (TOK.eos_token_id, TOK.pad_token_id)
