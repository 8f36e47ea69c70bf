import math

import pytest
import torch
from modeling.tiny_models import FAMILIES, FORMAT, saved_policy, tokenizer
from training.histories import History
from training.preference_rows import COMMON, PAIRS, SPLIT_PAIRS

from components.config import RewardParams
from components.modeling.loading import new_reward_model
from components.records import Preference
from components.training.learner import Compute
from components.training.reward_model import encode_preferences, train_reward_model
from components.training.run import Run

TOK = tokenizer()


def start(folder, family="gpt2", scale=1.0):
    torch.manual_seed(0)
    model, _, _ = new_reward_model(saved_policy(folder, family))
    model.score.weight.data.mul_(scale)
    return model


def train(model, pairs, compute=None, **params):
    history = History()
    params = RewardParams(**({"epochs": 1, "learning_rate": 3e-3, "centering": 0.0} | COMMON | params))
    encoded = encode_preferences(TOK, FORMAT, pairs)
    train_reward_model(model, encoded, params, Run(0, history, compute or Compute()))
    return history


@torch.no_grad()
def score(model, row):
    """The head at the last token of one row alone."""
    states = model.base_model(torch.tensor([row.ids])).last_hidden_state
    return model.score(states)[0, -1, 0].item()


def scores(model, pairs):
    encoded = encode_preferences(TOK, FORMAT, pairs)
    return [(score(model, pair.chosen), score(model, pair.rejected)) for pair in encoded]


@pytest.mark.parametrize("family", FAMILIES)
def test_one_batch_is_learned_by_heart(family, tmp_path):
    model = start(tmp_path, family)
    history = train(model, PAIRS, epochs=60, centering=0.01)
    assert all(chosen - rejected > 1 for chosen, rejected in scores(model, PAIRS))
    assert history[-1]["accuracy"] == 1.0
    assert history[-1]["loss"] < 0.5 < history[0]["loss"]


def test_the_first_steps_figures_by_hand(tmp_path):
    """Soft labels, weights and centring on scores of rows alone; the mean weight is 1 already."""
    model = start(tmp_path, scale=3.0)
    expected = right = 0.0
    for (chosen, rejected), pair in zip(scores(model, SPLIT_PAIRS), SPLIT_PAIRS, strict=True):
        likely = 1 / (1 + math.exp(rejected - chosen))
        said = pair.probability
        expected -= pair.weight * (said * math.log(likely) + (1 - said) * math.log(1 - likely)) / 3
        expected += 0.1 * (chosen + rejected) ** 2 / 3
        right += (chosen > rejected) / 3
    first = train(model, SPLIT_PAIRS, centering=0.1)[0]
    assert first["loss"] == pytest.approx(expected, rel=1e-4)
    assert first["accuracy"] == pytest.approx(right)


@pytest.mark.parametrize("tokens", [1, 40])
def test_portions_change_no_figure_and_no_weight(tmp_path, tokens):
    whole, parts = start(tmp_path / "a"), start(tmp_path / "b")
    expected = train(whole, SPLIT_PAIRS, epochs=4, centering=0.1)
    found = train(parts, SPLIT_PAIRS, Compute(microbatch_tokens=tokens), epochs=4, centering=0.1)
    for row, other in zip(found, expected, strict=True):
        # float32 after a few steps of other rounding.
        assert row == pytest.approx(other, rel=1e-3)
    for left, right in zip(parts.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=2e-4)


def test_a_tie_pulls_scores_together(tmp_path):
    model = start(tmp_path, scale=10.0)
    tie = [Preference("the price", "fair", "dim", probability=0.5)]
    before = scores(model, tie)[0]
    train(model, tie, epochs=40, batch_size=1)
    after = scores(model, tie)[0]
    assert abs(before[0] - before[1]) > 0.5
    assert abs(after[0] - after[1]) < 0.2 * abs(before[0] - before[1])


def test_centering_keeps_scores_near_zero(tmp_path):
    sums = {}
    for centering in (0.0, 1.0):
        model = start(tmp_path / str(centering), scale=10.0)
        train(model, PAIRS, epochs=60, learning_rate=1e-2, centering=centering)
        sums[centering] = max(abs(chosen + rejected) for chosen, rejected in scores(model, PAIRS))
    assert sums[1.0] < 0.3 * sums[0.0]


def test_pairs_equal_after_truncation_are_left_out():
    same_start = "long " * 40
    pair = Preference("p", same_start + "good", same_start + "bad")
    assert encode_preferences(TOK, FORMAT, [pair]) == []
    assert len(encode_preferences(TOK, FORMAT, [pair, PAIRS[0]])) == 1
    assert encode_preferences(TOK, FORMAT, []) == []


def test_weights_are_brought_to_mean_1():
    pairs = [Preference("a", "b", "c", weight=1.0), Preference("a", "c", "d", weight=3.0)]
    assert [pair.weight for pair in encode_preferences(TOK, FORMAT, pairs)] == [0.5, 1.5]


def test_the_same_seed_gives_the_same_run(tmp_path):
    models = [start(tmp_path / name) for name in "ab"]
    histories = [train(model, PAIRS, epochs=5) for model in models]
    assert histories[0] == histories[1]
    states = [model.state_dict() for model in models]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert not any(module.training for model in models for module in model.modules())
