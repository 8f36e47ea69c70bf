"""What PPO's stage puts around the policy: a reference that stays, and a critic that starts from the reward model."""

from pathlib import Path

import pytest
import torch
from modeling.tiny_models import FORMAT, saved_policy, tokenizer
from training.histories import History

from components.config import load_params
from components.modeling.loading import load_policy, load_reward_model, new_reward_model, save_model
from components.stages import ppo
from components.stages.paths import REWARD, SFT
from components.training.encoding import Encoded
from components.training.forward import sequence_scores
from components.training.learner import Compute
from components.training.policy import train_policy
from components.training.run import Run
from components.training.scoring import RewardScale

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml").ppo.model_copy(
    update={"iterations": 1, "rollouts": 4, "minibatches": 2, "epochs": 1, "target_kl": 100.0}
)
SCALE = RewardScale(mean=-3.0, std=0.25)


@pytest.fixture
def models(tmp_path, monkeypatch):
    """The folders that the stages sft and reward_model leave behind."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    saved_policy(SFT, "gpt2")
    save_model(REWARD, new_reward_model(SFT)[0], tokenizer(), FORMAT)
    SCALE.save(REWARD)


def weights_of(model):
    return {name: weight.clone() for name, weight in model.state_dict().items()}


@pytest.mark.usefixtures("models")
def test_the_reference_and_the_reward_model_are_the_same_bits_after_training():
    sampler, learners = ppo.set_up(PARAMS, Compute())
    (member,) = sampler.score_texts.members
    start = weights_of(load_policy(SFT)[0])
    reward = weights_of(load_reward_model(REWARD)[0])
    train_policy(sampler, learners, ["the battery", "price"], PARAMS, Run(0, History()))
    assert all(torch.equal(weight, start[name]) for name, weight in weights_of(sampler.reference).items())
    assert all(torch.equal(weight, reward[name]) for name, weight in weights_of(member.model).items())
    moved = weights_of(sampler.policy)
    assert any(not torch.equal(weight, start[name]) for name, weight in moved.items())
    assert not any(weight.requires_grad for weight in sampler.reference.parameters())


@pytest.mark.usefixtures("models")
def test_the_critic_is_the_reward_model_on_the_scale_of_the_normalised_scores():
    rows = [Encoded([5, 6], [7]), Encoded([8], [9, 10])]
    plain = sequence_scores(load_reward_model(REWARD)[0], rows)
    expected = [(raw + 3.0) / 0.25 for raw in plain.tolist()]
    assert sequence_scores(ppo.load_critic(), rows).tolist() == pytest.approx(expected, rel=1e-4)
