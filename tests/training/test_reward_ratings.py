"""Rated answers: their losses by hand, the thresholds they bring and leave no trace of, and that they teach."""

import math

import pytest
import torch
from modeling.tiny_models import FORMAT, saved_policy, tokenizer
from training.histories import History
from training.preference_rows import COMMON, PAIRS

from components.config import RewardParams
from components.modeling.loading import new_reward_model, save_model
from components.objectives.rating_losses import ordered_thresholds
from components.records import Rating
from components.training import rated_answers
from components.training.encoding import encode_pairs
from components.training.learner import Compute
from components.training.rated_answers import attach_thresholds, encode_ratings, rating_loss
from components.training.reward_model import encode_preferences, train_reward_model
from components.training.run import Run
from components.training.scoring import raw_scores

TOK = tokenizer()
TEXTS = ["it lasts long", "it is a battery", "long", "dim"]


def params(**changes):
    defaults = {
        "epochs": 1,
        "learning_rate": 3e-3,
        "centering": 0.0,
        "rating_weight": 0.5,
        "thumbs_weight": 2.0,
    }
    return RewardParams(**(defaults | COMMON | changes))


def stars(given, levels=5, text="it lasts long"):
    return Rating("the battery", text, given, levels=levels)


def thumb(share, text="it lasts long"):
    return Rating("the battery", text, share, kind="thumbs", levels=2)


def new_model(folder):
    torch.manual_seed(0)
    return new_reward_model(saved_policy(folder, "gpt2"))[0]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def loss_of(model, ratings, scores, count=1, **changes):
    rated = encode_ratings(TOK, FORMAT, ratings, params(**changes))
    attach_thresholds(model, rated)
    return rating_loss(model, rated, torch.tensor(scores), count)


def test_weights_by_kind():
    rated = encode_ratings(TOK, FORMAT, [stars(0.5), thumb(1.0)], params())
    assert [(row.levels, row.weight) for row in rated] == [(5, 0.5), (0, 2.0)]
    assert encode_ratings(TOK, FORMAT, [], params()) == []


def test_thumbs_by_hand(tmp_path):
    """Two of three thumbs up at a score of 0.8; of a minibatch of four, and thumbs weigh 2."""
    found = loss_of(new_model(tmp_path), [thumb(2 / 3)], [0.8], count=4)
    expected = -(2 / 3 * math.log(sigmoid(0.8)) + 1 / 3 * math.log(sigmoid(-0.8)))
    assert found.item() == pytest.approx(2.0 * expected / 4)


def test_thresholds_start_where_a_score_of_0_predicts_the_shares(tmp_path):
    """Given three stars out of three twice, and two once; each level is counted once more: 1, 2 and 3 of 6."""
    model = new_model(tmp_path)
    attach_thresholds(
        model, encode_ratings(TOK, FORMAT, [stars(1.0, 3), stars(1.0, 3), stars(0.5, 3)], params())
    )
    thresholds = ordered_thresholds(model.rating_thresholds["3"])
    assert thresholds.tolist() == pytest.approx([math.log(1 / 5), math.log(3 / 3)], abs=1e-5)


def test_a_level_that_nobody_gave_among_very_many_keeps_its_thresholds_apart(tmp_path):
    model = new_model(tmp_path)
    attach_thresholds(model, encode_ratings(TOK, FORMAT, [stars(0.0), *[stars(1.0)] * 5000], params()))
    thresholds = ordered_thresholds(model.rating_thresholds["5"])
    assert torch.isfinite(thresholds).all()
    assert (thresholds.diff() > 0).all()


def test_stars_by_hand(tmp_path):
    """One rating of the middle of three: its thresholds start at the logits of 1/4 and 3/4."""
    found = loss_of(new_model(tmp_path), [stars(0.5, 3)], [0.3])
    edge = math.log(3)
    assert found.item() == pytest.approx(
        -0.5 * math.log(sigmoid(edge - 0.3) - sigmoid(-edge - 0.3)), abs=1e-5
    )


def test_a_mean_between_two_levels_counts_as_both(tmp_path):
    """0.25 of the way from the middle to the best of three: three quarters middle, a quarter best.

    The counts are 1, 1.75 and 1.25 of 4.
    """
    found = loss_of(new_model(tmp_path), [stars(0.625, 3)], [0.3])
    low, high = math.log(1 / 3), math.log(2.75 / 1.25)
    middle = -math.log(sigmoid(high - 0.3) - sigmoid(low - 0.3))
    best = -math.log(1 - sigmoid(high - 0.3))
    assert found.item() == pytest.approx(0.5 * (0.75 * middle + 0.25 * best), abs=1e-5)


def test_scales_have_thresholds_of_their_own_and_losses_add_up(tmp_path):
    model = new_model(tmp_path)
    mixed = [stars(0.5, 3), thumb(1.0), stars(0.25), stars(1.0, 3)]
    whole = loss_of(model, mixed, [0.1, 0.2, 0.3, 0.4], count=4)
    assert sorted(model.rating_thresholds.keys()) == ["3", "5"]
    rated = encode_ratings(TOK, FORMAT, mixed, params())
    alone = [
        rating_loss(model, [row], torch.tensor([score]), 4)
        for row, score in zip(rated, [0.1, 0.2, 0.3, 0.4], strict=True)
    ]
    assert whole.item() == pytest.approx(sum(part.item() for part in alone))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", ["rating", "thumbs"])
def test_ratings_alone_teach_the_order_of_answers(tmp_path, kind, dtype):
    model = new_model(tmp_path)
    given = [1.0, 0.75, 0.25, 0.0] if kind == "rating" else [1.0, 0.8, 0.2, 0.0]
    ratings = [
        (stars if kind == "rating" else thumb)(share, text=text)
        for share, text in zip(given, TEXTS, strict=True)
    ]
    rated = encode_ratings(TOK, FORMAT, ratings, params(rating_weight=1.0, thumbs_weight=1.0))
    history = History()
    train_reward_model(
        model, rated, params(epochs=80, learning_rate=1e-2, batch_size=4), Run(0, history, Compute(dtype))
    )
    scores = raw_scores(model, [row.answer for row in rated])
    assert scores == sorted(scores, reverse=True)
    assert history[-1]["loss"] < 0.6 * history[0]["loss"]
    # There is no pair to be right about.
    assert all(math.isnan(row["accuracy"]) for row in history)


def test_the_thresholds_learn_and_are_not_saved(tmp_path, monkeypatch):
    model, seen = new_model(tmp_path / "sft"), []
    detach = rated_answers.detach_thresholds
    monkeypatch.setattr(
        "components.training.reward_model.detach_thresholds",
        lambda model: (seen.append(model.rating_thresholds["5"].detach().clone()), detach(model)),
    )
    rated = encode_ratings(TOK, FORMAT, [stars(1.0), stars(1.0, text="dim")], params())
    attach_thresholds(model, rated)
    start = model.rating_thresholds["5"].detach().clone()
    detach(model)
    train_reward_model(model, rated, params(epochs=5, learning_rate=1e-2), Run(0, History()))
    assert not torch.equal(seen[0], start)
    save_model(tmp_path / "reward", model, TOK, FORMAT)
    assert not hasattr(model, rated_answers.NAME)
    assert b"rating_thresholds" not in (tmp_path / "reward/model.safetensors").read_bytes()


@torch.no_grad()
def _score(model, prompt, text):
    (row,) = encode_pairs(TOK, FORMAT, [prompt], [text])
    return model.score(model.base_model(torch.tensor([row.ids])).last_hidden_state)[0, -1, 0].item()


@pytest.mark.parametrize("tokens", [1, 30, 16_384])
def test_pairs_stars_and_thumbs_in_one_minibatch_by_hand(tmp_path, tokens):
    """Three pairs of weight 1, a rating of the middle of three, and a thumb; all count as one minibatch of five."""
    model = new_model(tmp_path)
    expected = right = 0.0
    for pair in PAIRS:
        lead = _score(model, pair.prompt, pair.chosen) - _score(model, pair.prompt, pair.rejected)
        expected += math.log(1 + math.exp(-lead))
        right += (lead > 0) / 3
    score, edge = _score(model, "the battery", "it lasts long"), math.log(3)
    expected += 0.5 * -math.log(sigmoid(edge - score) - sigmoid(-edge - score))
    expected += 2.0 * math.log(1 + math.exp(-score))
    learning = params(batch_size=5)
    taught = encode_preferences(TOK, FORMAT, PAIRS) + encode_ratings(
        TOK, FORMAT, [stars(0.5, 3), thumb(1.0)], learning
    )
    history = History()
    train_reward_model(model, taught, learning, Run(0, history, Compute(microbatch_tokens=tokens)))
    assert len(history) == 1
    assert history[0]["loss"] == pytest.approx(expected / 5, rel=1e-4)
    assert history[0]["accuracy"] == pytest.approx(right)
