"""Bugs in components/objectives; see tests/planted_bugs.py."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A bug: in `file`, `right` becomes `wrong`; `tests` is where it should be noticed."""

    name: str
    file: str
    right: str
    wrong: str
    tests: str


MATH_BUGS = (
    Mutant(
        "sign of the policy loss",
        "objectives/policy_losses.py",
        "_watched(-gain",
        "_watched(gain",
        "tests/objectives/test_policy_losses.py",
    ),
    Mutant(
        "min for max",
        "objectives/policy_losses.py",
        "torch.minimum(free",
        "torch.maximum(free",
        "tests/objectives/test_policy_losses.py",
    ),
    Mutant(
        "mask dropped",
        "objectives/masking.py",
        "torch.where(mask, values, 0.0).sum()",
        "values.sum()",
        "tests/objectives/test_masking.py",
    ),
    Mutant(
        "whitening inverted",
        "objectives/masking.py",
        "torch.rsqrt",
        "torch.sqrt",
        "tests/objectives/test_masking.py",
    ),
    Mutant(
        "bootstrap dropped in GAE",
        "objectives/advantages.py",
        "next_value, next_advantage = bootstrap,",
        "next_value, next_advantage = torch.zeros_like(bootstrap),",
        "tests/objectives/test_advantages.py",
    ),
    Mutant(
        "sign of the KL penalty",
        "objectives/rewards.py",
        "-kl_coef * kl",
        "kl_coef * kl",
        "tests/objectives/test_rewards.py",
    ),
    Mutant(
        "KL the wrong way round",
        "objectives/kl.py",
        "return logprobs - ref_logprobs",
        "return ref_logprobs - logprobs",
        "tests/objectives/test_kl.py",
    ),
    Mutant(
        "KL clamped at zero",
        "objectives/rewards.py",
        "-kl_coef * kl",
        "-kl_coef * kl.clamp_min(0.0)",
        "tests/objectives/test_rewards.py",
    ),
    Mutant(
        "reward on the wrong token",
        "objectives/rewards.py",
        "mask.sum(dim=1) - 1",
        "mask.sum(dim=1) - 2",
        "tests/objectives/test_rewards.py",
    ),
    Mutant(
        "advantages not detached",
        "objectives/advantages.py",
        "@torch.no_grad()\ndef gae",
        "def gae",
        "tests/objectives/test_advantages.py",
    ),
    Mutant(
        "noise of labels taken for information",
        "objectives/information.py",
        "binary_entropy(chance) - of_noise",
        "binary_entropy(chance)",
        "tests/objectives/test_information.py",
    ),
)
