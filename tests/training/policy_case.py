"""A tiny policy with everything that PPO puts around it."""

import dataclasses
from pathlib import Path

import torch
from modeling.tiny_models import lift, saved_policy, tokenizer
from training.histories import History

from components.config import load_params
from components.modeling.exploration import Exploration
from components.modeling.loading import load_policy, new_reward_model
from components.training.learner import Compute
from components.training.policy import make_critic, make_learners, train_policy
from components.training.rollouts import Rollouts, RolloutSampler
from components.training.run import Run

TOK = tokenizer()
EOS = TOK.eos_token_id
PROMPTS = [
    "the battery",
    "a camera",
    "price",
    "it was a fair screen",
    "dim",
    "naïve 日本語",
    "long, long",
    "a sharp camera but",
]
#: Makes an EOS about one token in ten: responses of every length, some of them cut.
OFTEN = 3.5
SMALL = {
    "iterations": 2,
    "rollouts": 8,
    "epochs": 2,
    "minibatches": 2,
    "learning_rate": 1e-3,
    "critic_learning_rate": 1e-3,
    "kl_coef": 0.05,
    "temperature": 0.9,
    "missing_eos_score": -7.0,
    "target_kl": 0.5,
}
#: What each algorithm needs beside its name.
ALGORITHMS = {
    "ppo": {},
    "reinforce": {"epochs": 1},
    "rloo": {"samples_per_prompt": 4},
    "grpo": {"samples_per_prompt": 4},
}
_SHIPPED = load_params(Path(__file__).parents[2] / "params.yaml").ppo


def params_of(**change):
    """The shipped parameters made small, then changed; checked like a file's."""
    return type(_SHIPPED).model_validate(_SHIPPED.model_dump() | SMALL | change)


def count_a(prompts, responses):
    return [float(response.count("a")) for response in responses]


@dataclasses.dataclass
class Case:
    """One run's models and parameters."""

    sampler: RolloutSampler
    learners: object
    params: object
    critic: object

    def collect(self, seed=0, prompts=PROMPTS) -> Rollouts:
        asked = prompts[: self.params.rollouts // self.params.samples_per_prompt]
        generator = torch.Generator().manual_seed(seed)
        return self.sampler.collect(asked, self.params.samples_per_prompt, generator)

    def train(self, seed=0, compute=None) -> History:
        history = History()
        run = Run(seed, history, compute or Compute())
        train_policy(self.sampler, self.learners, PROMPTS, self.params, run)
        return history

    def with_scores(self, score, missing_eos_score=0.0):
        self.sampler = dataclasses.replace(
            self.sampler, score_texts=score, missing_eos_score=missing_eos_score
        )
        return self


def make_case(folder, family="gpt2", eos=OFTEN, compute=None, **change) -> Case:
    """Policy, reference and critic with weights of one seed; an EOS is lifted alike in policy and reference."""
    params, compute = params_of(**change), compute or Compute()
    torch.manual_seed(0)
    saved_policy(folder, family)
    policy, tok, text_format = load_policy(folder)
    reference, _, _ = load_policy(folder)
    for model in (policy, reference):
        lift(model, EOS, eos)
    critic = new_reward_model(folder)[0] if params.has_own_critic else None
    learners = make_learners(policy, critic, params, compute)
    sampler = RolloutSampler(
        policy=policy,
        reference=reference.requires_grad_(False),
        critic=make_critic(policy, critic, params),
        tokenizer=tok,
        text_format=text_format,
        score_texts=count_a,
        explore=Exploration(params.temperature, params.top_k, params.top_p, params.epsilon),
        missing_eos_score=params.missing_eos_score,
    )
    return Case(sampler, learners, params, critic)
