"""What a real reward model with few random weights believes of pairs."""

from __future__ import annotations

import dataclasses

import pytest
import torch
import transformers
from modeling.tiny_models import saved_policy

from components.choosing import belief
from components.choosing.belief import believe
from components.choosing.pool import AnswerPair, pairs_of
from components.errors import ModelError
from components.modeling.loading import new_reward_model
from components.records import Preference
from components.training.encoding import encode_pairs
from components.training.scoring import Member, RewardScale, Scorer

PAIRS = [
    AnswerPair("the battery", "a sharp camera", "a dim screen"),
    AnswerPair("price", "it was a fair price", "long"),
    AnswerPair("price", "a dim screen", "it was a fair price"),
]
TAUGHT = [Preference("the camera", "it lasts long", "dim", weight=3.0), Preference("price", "fair", "long")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("policy")
    torch.manual_seed(0)
    saved_policy(folder, "gpt2")
    return folder


def member(folder, seed=1, temperature=1.0):
    torch.manual_seed(seed)
    return Member(*new_reward_model(folder), RewardScale(0.4, 2.0, temperature))


def states(found, rows):
    """By transformers' own forward pass, a row at a time."""
    rows = encode_pairs(found.tokenizer, found.text_format, *zip(*rows, strict=True))
    with torch.no_grad():
        return torch.stack(
            [
                found.model.transformer(torch.tensor([row.ids])).last_hidden_state[0, -1].double()
                for row in rows
            ]
        )


def differences(found, couples):
    first, second = (states(found, [(p, answers[n]) for p, *answers in couples]) for n in (0, 1))
    return first - second


def test_margins_are_log_odds_at_the_models_temperature(folder):
    found = member(folder, temperature=4.0)
    believed = believe(Scorer([found]), TAUGHT, PAIRS)
    prompts = [pair.prompt for pair in PAIRS]
    first = torch.tensor(found.scores(prompts, [pair.first for pair in PAIRS]))
    second = torch.tensor(found.scores(prompts, [pair.second for pair in PAIRS]))
    assert torch.allclose(believed.mean.float(), (first - second) * 2.0 / 4.0, atol=1e-5)


def test_the_covariance_is_laplaces(folder):
    found = member(folder, temperature=2.0)
    believed = believe(Scorer([found]), TAUGHT, PAIRS)
    learned = differences(found, [(row.prompt, row.chosen, row.rejected) for row in TAUGHT])
    asked = differences(found, [(pair.prompt, pair.first, pair.second) for pair in PAIRS])
    chances = (learned @ found.model.score.weight[0].detach().double()).sigmoid()
    # A judgement of weight 3 tells as much as three, whatever weighs less beside it.
    curvature = torch.tensor([3.0, 1.0], dtype=torch.float64) * chances * (1 - chances)
    width = asked.shape[1]
    hessian = (width + 1) * torch.eye(width).double() + learned.T @ (curvature[:, None] * learned)
    expected = asked @ torch.linalg.inv(hessian) @ asked.T / 2.0**2
    assert torch.allclose(believed.factors.T @ believed.factors, expected, atol=1e-6)


def test_what_was_taught_is_known_better(folder):
    scorer = Scorer([member(folder)])
    more = [*TAUGHT, *[Preference(PAIRS[0].prompt, PAIRS[0].first, PAIRS[0].second)] * 50]
    before, after = (believe(scorer, taught, PAIRS).factors.square().sum(dim=0) for taught in (TAUGHT, more))
    # Of each pair the variance falls, of the one that was taught the most.
    share = after / before
    assert (share < 1).all()
    assert share.argmin() == 0


def test_what_hardly_counts_in_the_loss_is_hardly_known(folder):
    """Many light pairs are no more than their weights: 100 of 0.01 tell as much as one of 1."""
    scorer = Scorer([member(folder)])
    light = [*TAUGHT, *[Preference("price", "a dim screen", "long", weight=0.01)] * 100]
    whole = [*TAUGHT, Preference("price", "a dim screen", "long")]
    covariances = [
        found.factors.T @ found.factors for found in (believe(scorer, t, PAIRS) for t in (light, whole))
    ]
    assert torch.allclose(*covariances)


def test_where_there_are_too_many_a_part_weighs_as_much_as_all(folder, monkeypatch):
    monkeypatch.setattr(belief, "MOST_TAUGHT", 2)
    scorer, one = Scorer([member(folder)]), TAUGHT[0]
    part, alone = (believe(scorer, [one] * count, PAIRS).factors.square().sum(dim=0) for count in (6, 1))
    heavy = believe(scorer, [dataclasses.replace(one, weight=18.0)], PAIRS).factors.square().sum(dim=0)
    assert torch.allclose(part, heavy)
    assert (part < alone).all()


def test_margins_of_an_ensemble_are_those_that_were_calibrated(folder):
    """Its temperature was fitted to the mean of normalised scores, and not to that of raw ones."""
    members = [
        dataclasses.replace(member(folder, n), scale=RewardScale(0.4, std, 4.0))
        for n, std in ((1, 0.5), (2, 3.0))
    ]
    scorer = Scorer(members)
    believed = believe(scorer, TAUGHT, PAIRS)
    prompts = [pair.prompt for pair in PAIRS]
    first, second = (
        torch.tensor(scorer(prompts, [getattr(pair, side) for pair in PAIRS])) for side in ("first", "second")
    )
    assert torch.allclose(believed.mean.float(), (first - second) * 1.75 / 4.0, atol=1e-5)
    # A member's own doubt is in the same unit as its margins.
    own = [
        believe(Scorer([dataclasses.replace(each, scale=RewardScale(0.4, 1.75, 4.0))]), TAUGHT, PAIRS)
        for each in members
    ]
    scales = 1.75 / 0.5, 1.75 / 3.0
    within = (
        sum(scale**2 * each.factors.T @ each.factors for scale, each in zip(scales, own, strict=True)) / 2
    )
    gap = (scales[0] * own[0].mean - scales[1] * own[1].mean) / 2
    assert torch.allclose(believed.factors.T @ believed.factors, within + torch.outer(gap, gap))


def test_members_that_differ_add_their_spread(folder):
    one, other = member(folder, seed=1), member(folder, seed=2)
    alone = [believe(Scorer([each]), TAUGHT, PAIRS) for each in (one, other)]
    both = believe(Scorer([one, other]), TAUGHT, PAIRS)
    middle = (alone[0].mean + alone[1].mean) / 2
    assert torch.allclose(both.mean, middle)
    within = sum(each.factors.T @ each.factors for each in alone) / 2
    gap = (alone[0].mean - alone[1].mean) / 2
    assert torch.allclose(both.factors.T @ both.factors, within + torch.outer(gap, gap))


def test_a_pair_that_is_one_text_when_cut_teaches_nothing(folder):
    found = member(folder)
    cut = dataclasses.replace(found.text_format, max_response_tokens=2)
    alike = AnswerPair("price", "a dim screen", "a dim camera")
    believed = believe(Scorer([dataclasses.replace(found, text_format=cut)]), TAUGHT, [alike])
    assert believed.factors.square().sum() == 0.0


def test_an_encoder_needs_an_ensemble(folder):
    plain = member(folder)
    config = transformers.BertConfig(
        vocab_size=len(plain.tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        num_labels=1,
        pad_token_id=plain.tokenizer.pad_token_id,
    )
    encoders = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        model = transformers.BertForSequenceClassification(config).eval()
        encoders.append(dataclasses.replace(plain, model=model))
    with pytest.raises(ModelError, match="does not tell") as caught:
        believe(Scorer(encoders[:1]), TAUGHT, PAIRS)
    assert "reward_model.ensemble" in caught.value.remedy
    both = believe(Scorer(encoders), TAUGHT, PAIRS)
    gaps = [each.scores(["price"], ["long"])[0] - each.scores(["price"], ["dim"])[0] for each in encoders]
    alone = believe(Scorer(encoders), TAUGHT, [AnswerPair("price", "long", "dim")])
    assert float(alone.mean[0]) == pytest.approx(2.0 * sum(gaps) / 2, abs=1e-5)
    assert both.factors.shape == (2, 3)


def test_pairs_of_two_models_and_of_one():
    crossed = list(pairs_of("p", [["a", "b"], ["b", "c"]]))
    assert [(pair.first, pair.second) for pair in crossed] == [("a", "b"), ("a", "c"), ("b", "c")]
    own = list(pairs_of("p", [["a", "b", "a", " ", "c"]]))
    assert [(pair.first, pair.second) for pair in own] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert list(pairs_of("p", [["a", "a"]])) == []
