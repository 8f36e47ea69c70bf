"""What params.yaml ships is what the published implementations found to work (Huang 2024; Stiennon 2020).

A change here is a change of the algorithm that everybody gets: it should be meant.
"""

from pathlib import Path

import pytest
from training.policy_case import make_case

from components.config import load_params
from components.objectives.kl_control import AdaptiveKl, FixedKl
from components.training.policy import make_kl_controller

SHIPPED = load_params(Path(__file__).parents[2] / "params.yaml").ppo


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("algorithm", "ppo"),
        # A penalty that stands still; where it is steered, to so many nats a sequence over 10,000 episodes.
        ("kl_target", None),
        ("kl_horizon", 10_000),
        ("gamma", 1.0),
        ("lam", 0.95),
        ("clip_eps", 0.2),
        ("value_clip", 0.2),
        ("vf_coef", 0.1),
        ("dual_clip", None),
        ("whiten_rewards", False),
        ("critic", "separate"),
        ("epochs", 4),
        ("minibatches", 4),
        ("target_kl", 0.1),
        # Tokens are drawn from the policy itself, so that the first ratio is 1.
        ("temperature", 1.0),
        ("top_k", 0),
        ("top_p", 1.0),
        ("epsilon", 0.0),
    ],
)
def test_the_published_value_is_what_ships(field, value):
    assert getattr(SHIPPED, field) == value


def test_a_response_that_does_not_end_scores_worse_than_a_typical_one_that_does():
    """Normalised scores have mean 0 and variance 1 on reference responses: below 0 is enough, -1 is not sure to be."""
    assert SHIPPED.missing_eos_score <= -1.0


def test_the_controller_stands_still_until_a_target_is_set():
    assert isinstance(make_kl_controller(SHIPPED), FixedKl)
    steered = make_kl_controller(SHIPPED.model_copy(update={"kl_target": 6.0}))
    assert isinstance(steered, AdaptiveKl)
    assert (steered.coef, steered.target, steered.horizon) == (SHIPPED.kl_coef, 6.0, 10_000)


def test_every_learner_has_the_epsilon_of_the_original_code_and_adams_own_betas(tmp_path):
    for learner in make_case(tmp_path).learners.parts().values():
        (group,) = learner.optimizer.param_groups
        assert group["eps"] == 1e-5
        assert tuple(group["betas"]) == (0.9, 0.999)
        assert group["weight_decay"] == 0.0
