"""A step of SFT, one of reward modelling and a round of PPO; run by tests/bare_python.py."""

import copy
import sys
from types import SimpleNamespace

import torch
from modeling.tiny_models import FORMAT, TEXTS, lift, packing, plain_policy, tokenizer
from transformers import AutoModelForSequenceClassification

import components.objectives
from benchmarks.gpu_ppo import plain_params
from components.modeling.exploration import Exploration
from components.training.encoding import encode_pairs
from components.training.learner import Compute
from components.training.policy import make_critic, make_learners, train_policy
from components.training.reward_model import EncodedPair, train_reward_model
from components.training.rollouts import RolloutSampler
from components.training.run import Run
from components.training.scoring import Member, RewardScale, Scorer
from components.training.sft import train_sft

STEP = {"epochs": 1, "batch_size": 4, "learning_rate": 1e-3, "warmup_share": 0.0, "weight_decay": 0.0}
ROUND = plain_params(
    iterations=1, rollouts=4, epochs=2, minibatches=2, learning_rate=1e-3, critic_learning_rate=1e-3
)


class Log:
    """Keeps what it is told, and prints it."""

    def __init__(self, name):
        self.name = name

    def __call__(self, metrics, step, /):
        assert all(value == value for value in metrics.values()), metrics
        print(self.name, step, metrics["loss" if "loss" in metrics else "score"])

    def state(self):
        return {}

    def restore(self, state):
        """Nothing is resumed here."""


def main():
    assert sys.modules["pydantic"] is None
    assert components.objectives
    torch.manual_seed(0)
    tok = tokenizer()
    policy = packing(lift(plain_policy("gpt2", tok), tok.eos_token_id, 4.0))
    reward = classifier(policy, tok)
    rows = encode_pairs(tok, FORMAT, TEXTS, TEXTS[::-1])
    train_sft(policy, rows, SimpleNamespace(**STEP), Run(0, Log("sft")))
    pairs = [EncodedPair(good, bad, 1.0, 1.0) for good, bad in zip(rows, rows[::-1], strict=True)]
    train_reward_model(reward, pairs, SimpleNamespace(**STEP, centering=0.01), Run(0, Log("reward model")))
    improve(policy, reward, tok)


def classifier(policy, tok):
    config = copy.deepcopy(policy.config)
    config.num_labels, config.pad_token_id = 1, tok.pad_token_id
    return packing(AutoModelForSequenceClassification.from_config(config).eval())


def improve(policy, reward, tok):
    critic, reference = copy.deepcopy(reward), copy.deepcopy(policy).requires_grad_(False)
    learners = make_learners(policy, critic, ROUND, Compute())
    sampler = RolloutSampler(
        policy=policy,
        reference=reference,
        critic=make_critic(policy, critic, ROUND),
        tokenizer=tok,
        text_format=FORMAT,
        score_texts=Scorer([Member(reward, tok, FORMAT, RewardScale(0.0, 1.0))]),
        explore=Exploration(),
        missing_eos_score=0.0,
    )
    train_policy(sampler, learners, TEXTS, ROUND, Run(0, Log("ppo")))


if __name__ == "__main__":
    main()
