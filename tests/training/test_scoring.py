import pytest
import torch
from modeling.tiny_models import FORMAT, saved_policy, tokenizer

from components.errors import ModelError
from components.modeling.loading import new_reward_model, save_model
from components.training import forward
from components.training.encoding import Encoded, encode_pairs
from components.training.scoring import Member, RewardScale, Scorer, load_scorer, raw_scores

TOK = tokenizer()
PROMPTS = ["a", "the battery lasts", "b"]
REPLIES = ["long long long", "x", "fair"]


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    return new_reward_model(saved_policy(tmp_path / "sft", "gpt2"))[0]


@torch.no_grad()
def alone(model, row):
    states = model.transformer(torch.tensor([row.ids])).last_hidden_state
    return model.score(states)[0, -1, 0].item()


@pytest.mark.parametrize("portion", [1, 20, 16_384])
def test_raw_scores_keep_the_order_of_the_rows(model, monkeypatch, portion):
    monkeypatch.setattr(forward, "tokens_at_once", lambda: portion)
    rows = encode_pairs(TOK, FORMAT, PROMPTS, REPLIES)
    assert raw_scores(model, rows) == pytest.approx([alone(model, row) for row in rows], abs=2e-5)
    assert raw_scores(model, []) == []


def test_texts_are_scored_in_the_reward_models_own_tokens_and_scale(model, tmp_path):
    rows = [
        Encoded(
            TOK(f"{prompt}\n", add_special_tokens=False)["input_ids"],
            [*TOK(reply, add_special_tokens=False)["input_ids"], TOK.eos_token_id],
        )
        for prompt, reply in zip(PROMPTS, REPLIES, strict=True)
    ]
    expected = [(alone(model, row) - 0.5) / 2.0 for row in rows]
    scale = RewardScale(0.5, 2.0)
    assert Scorer([Member(model, TOK, FORMAT, scale)])(PROMPTS, REPLIES) == pytest.approx(expected, abs=2e-5)
    save_model(tmp_path / "reward", model, TOK, FORMAT)
    scale.save(tmp_path / "reward")
    assert load_scorer(tmp_path / "reward")(PROMPTS, REPLIES) == pytest.approx(expected, abs=2e-5)


def test_the_scale_by_hand(tmp_path):
    scale = RewardScale.measure([1.0, 3.0])
    assert (scale.mean, scale.std) == (2.0, 1.0)
    assert scale.normalise(4.5) == 2.5
    assert RewardScale.measure([2.0, 2.0]).normalise(2.0) == 0.0
    scale.save(tmp_path)
    assert RewardScale.load(tmp_path) == scale
    with pytest.raises(ModelError, match="not found"):
        RewardScale.load(tmp_path / "elsewhere")
