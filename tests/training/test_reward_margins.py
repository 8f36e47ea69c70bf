"""Strength as a lead that is asked for, instead of a label near the tie."""

import math

import pytest
import torch
from modeling.tiny_models import FORMAT, saved_policy, tokenizer
from training.histories import History
from training.preference_rows import COMMON

from components.config import RewardParams
from components.modeling.loading import new_reward_model
from components.records import Opinion, Preference
from components.training.reward_model import encode_preferences, train_reward_model
from components.training.run import Run
from components.training.scoring import raw_scores

TOK = tokenizer()
#: One vote at strength 0.4: drawn to the tie, its label is 0.7.
FAINT = Preference(
    "the price",
    "fair",
    "dim",
    probability=0.7,
    margin=0.4,
    opinions=(Opinion("pairwise", 1.0, 1.0, "Ann", 0.4),),
)


def test_without_a_strength_margin_the_strength_is_in_the_label():
    (pair,) = encode_preferences(TOK, FORMAT, [FAINT])
    assert (pair.probability, pair.margin) == (0.7, 0.0)


def test_with_one_the_vote_stays_and_the_strength_asks_for_a_lead():
    (pair,) = encode_preferences(TOK, FORMAT, [FAINT], strength_margin=2.5)
    assert (pair.probability, pair.margin) == (1.0, 1.0)
    unasked = Preference("the price", "fair", "dim", probability=0.8)
    (pair,) = encode_preferences(TOK, FORMAT, [unasked], strength_margin=2.5)
    assert (pair.probability, pair.margin) == (0.8, 0.0)


def trained(folder, strength_margin, epochs=1, **changes):
    torch.manual_seed(0)
    model, _, _ = new_reward_model(saved_policy(folder, "gpt2"))
    pairs = encode_preferences(TOK, FORMAT, [FAINT], strength_margin)
    before = raw_scores(model, list(pairs[0].answers))
    history = History()
    params = RewardParams(**(COMMON | {"learning_rate": 3e-3, "centering": 0.0, "epochs": epochs} | changes))
    train_reward_model(model, pairs, params, Run(0, history))
    after = raw_scores(model, list(pairs[0].answers))
    return history, before[0] - before[1], after[0] - after[1]


def test_the_first_loss_by_hand(tmp_path):
    history, lead, _ = trained(tmp_path, 2.5)
    assert history[0]["loss"] == pytest.approx(math.log(1 + math.exp(1.0 - lead)), rel=1e-5)


def test_a_soft_label_settles_at_its_log_odds_and_a_margin_goes_past_them(tmp_path):
    """Label 0.7 is best at a lead of log(0.7 / 0.3) = 0.85; a margin asks for more than 2 and gets it."""
    _, _, soft = trained(tmp_path / "a", 0.0, epochs=200, learning_rate=1e-2)
    _, _, hard = trained(tmp_path / "b", 5.0, epochs=200, learning_rate=1e-2)
    assert soft == pytest.approx(math.log(7 / 3), abs=0.1)
    assert hard > 4
