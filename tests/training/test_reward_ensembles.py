"""Several reward models as one scorer: mean, doubt, and where the members lie."""

from dataclasses import replace

import pytest
import torch
from modeling.tiny_models import FORMAT, saved_policy, tokenizer
from training.policy_case import PROMPTS as ASKED
from training.policy_case import make_case

from components.modeling.loading import new_reward_model, save_model
from components.training.scoring import Member, RewardScale, Scorer, load_scorer, member_folder

TOK = tokenizer()
PROMPTS, REPLIES = ["the battery", "price"], ["it lasts long", "dim"]
SCALES = (RewardScale(0.5, 2.0, temperature=1.5), RewardScale(-1.0, 0.5), RewardScale(0.0, 0.5))


@pytest.fixture
def models(tmp_path):
    base = saved_policy(tmp_path / "sft", "gpt2")
    made = []
    for seed in range(3):
        torch.manual_seed(seed)
        made.append(new_reward_model(base)[0])
    return made


@pytest.fixture
def ensemble(models, tmp_path):
    folder = tmp_path / "reward"
    for number, (model, scale) in enumerate(zip(models, SCALES, strict=True)):
        save_model(member_folder(folder, number), model, TOK, FORMAT)
        scale.save(member_folder(folder, number))
    return folder


def test_the_first_member_is_the_folder_itself(tmp_path):
    assert member_folder(tmp_path, 0) == tmp_path
    assert member_folder(tmp_path, 12) == tmp_path / "member-12"


def test_mean_and_doubt_by_hand(models, ensemble):
    """Each member's scores on its own scale; the std is over the three, not a sample's."""
    singles = [
        Scorer([Member(m, TOK, FORMAT, s)])(PROMPTS, REPLIES) for m, s in zip(models, SCALES, strict=True)
    ]
    means = [sum(column) / 3 for column in zip(*singles, strict=True)]
    stds = [
        (sum((value - mean) ** 2 for value in column) / 3) ** 0.5
        for column, mean in zip(zip(*singles, strict=True), means, strict=True)
    ]
    assert min(stds) > 0.1
    assert load_scorer(ensemble)(PROMPTS, REPLIES) == pytest.approx(means)
    expected = [mean - 0.7 * std for mean, std in zip(means, stds, strict=True)]
    assert load_scorer(ensemble, 0.7)(PROMPTS, REPLIES) == pytest.approx(expected)
    assert load_scorer(ensemble, 0.7).disagreement(PROMPTS, REPLIES) == pytest.approx(stds)


def test_unit_and_temperature(ensemble):
    scorer = load_scorer(ensemble)
    assert scorer.unit == pytest.approx((2.0 + 0.5 + 0.5) / 3)
    assert scorer.temperature == 1.5


def test_one_member_has_no_doubt_whatever_the_penalty(models, ensemble):
    alone = Scorer([Member(models[0], TOK, FORMAT, SCALES[0])])
    assert len(alone.members) == 1
    assert replace(alone, penalty=9.0)(PROMPTS, REPLIES) == alone(PROMPTS, REPLIES)
    assert alone.disagreement(PROMPTS, REPLIES) == [0.0, 0.0]


def test_members_are_read_in_the_order_of_their_numbers(models, tmp_path):
    for number in range(12):
        folder = member_folder(tmp_path / "many", number)
        save_model(folder, models[0], TOK, FORMAT)
        RewardScale(float(number), 1.0).save(folder)
    assert [m.scale.mean for m in load_scorer(tmp_path / "many").members] == [float(n) for n in range(12)]


def test_a_scale_of_before_temperatures_has_none(tmp_path):
    (tmp_path / "reward.json").write_text('{"mean": 0.25, "std": 2.0}')
    assert RewardScale.load(tmp_path) == RewardScale(0.25, 2.0, temperature=1.0)


def test_no_text_has_no_score(models, ensemble):
    assert load_scorer(ensemble)([], []) == []
    assert Scorer(load_scorer(ensemble).members[:1])([], []) == []


def test_ppo_puts_down_how_far_the_members_are_apart(ensemble, tmp_path):
    scorer = load_scorer(ensemble, 0.7)
    case = make_case(tmp_path / "policy").with_scores(scorer, missing_eos_score=-9.0)
    rollouts = case.collect()
    texts = [TOK.decode(row.response, skip_special_tokens=True) for row in rollouts.rows]
    expected = scorer.disagreement(ASKED, texts)
    assert min(expected) > 0
    assert rollouts.disagreement.tolist() == pytest.approx(expected, abs=1e-5)
    scores = zip(scorer(ASKED, texts), rollouts.ended, strict=True)
    assert rollouts.scores.tolist() == pytest.approx([s if ended else -9.0 for s, ended in scores], abs=1e-5)
    history = case.train()
    assert all(row["disagreement"] > 0 for row in history)


def test_a_scorer_that_is_no_ensemble_has_no_doubt(tmp_path):
    assert make_case(tmp_path).collect().disagreement.tolist() == [0.0] * 8
