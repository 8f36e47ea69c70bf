"""SFT, reward model and DPO on real tiny models."""

import copy
import math

import pytest
import torch
from modeling.tiny_models import FAMILIES, FORMAT, policy, saved_policy, tokenizer

from components.config import DpoParams, RewardParams, SupervisedParams
from components.errors import TrainingDivergedError
from components.modeling.loading import new_reward_model
from components.modeling.logprobs import sequence_scores
from components.modeling.padding import pad
from components.records import Preference
from components.training.dpo import _reference_logprobs, train_dpo
from components.training.encoding import encode_pairs
from components.training.epochs import count_steps
from components.training.optimization import Optimization
from components.training.reward_model import encode_preferences, train_reward_model
from components.training.scoring import RewardScale, raw_scores
from components.training.sft import response_loss, train_sft

TOK = tokenizer()
PAD = TOK.pad_token_id
PAIRS = [
    Preference("the battery", "it lasts long", "it is a battery"),
    Preference("the screen", "sharp", "a screen is a screen a"),
    Preference("the price", "fair", "dim"),
]
COMMON = {"batch_size": 3, "warmup_share": 0.0, "weight_decay": 0.0}


def rows():
    return encode_pairs(TOK, FORMAT, [pair.prompt for pair in PAIRS], [pair.chosen for pair in PAIRS])


def quiet(metrics, step):
    pass


@pytest.mark.parametrize("family", FAMILIES)
def test_sft_learns_one_batch_by_heart(family):
    torch.manual_seed(0)
    model = policy(family, TOK)
    params = SupervisedParams(epochs=100, learning_rate=1e-2, **COMMON)
    before = response_loss(model, rows(), PAD, 2)
    train_sft(model, rows(), PAD, params, 0, quiet)
    assert before > 4
    assert response_loss(model, rows(), PAD, 2) < 0.05


@torch.no_grad()
def test_response_loss_is_over_tokens_of_responses_alone():
    torch.manual_seed(0)
    model = policy("gpt2", TOK)
    total, count = 0.0, 0
    for row in rows():
        table = model(torch.tensor([row.ids])).logits[0].log_softmax(-1)
        for position in range(len(row.prompt), len(row)):
            total -= table[position - 1, row.ids[position]].item()
            count += 1
    for batch_size in (1, 2, 3):
        assert response_loss(model, rows(), PAD, batch_size) == pytest.approx(total / count, rel=1e-5)


def test_sft_logs_every_step_and_repeats_itself_exactly():
    params = SupervisedParams(epochs=2, learning_rate=1e-3, **(COMMON | {"batch_size": 2}))
    histories = []
    for _ in range(2):
        torch.manual_seed(0)
        history = []
        train_sft(
            policy("gpt2", TOK),
            rows(),
            PAD,
            params,
            3,
            lambda metrics, step, h=history: h.append((step, metrics)),
        )
        histories.append(history)
    assert histories[0] == histories[1]
    assert [step for step, _ in histories[0]] == list(range(1, count_steps(3, params) + 1))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_reward_model_learns_one_batch_by_heart(family, tmp_path):
    torch.manual_seed(0)
    model, tok, fmt = new_reward_model(saved_policy(tmp_path, family))
    pairs = encode_preferences(tok, fmt, PAIRS)
    params = RewardParams(epochs=60, learning_rate=3e-3, centering=0.01, **COMMON)
    train_reward_model(model, pairs, PAD, params, 0, quiet)
    chosen = raw_scores(model, [pair.chosen for pair in pairs], PAD)
    rejected = raw_scores(model, [pair.rejected for pair in pairs], PAD)
    assert all(c - r > 1 for c, r in zip(chosen, rejected, strict=True))


def test_centering_keeps_scores_near_zero(tmp_path):
    sums = {}
    folder = saved_policy(tmp_path, "gpt2")
    for centering in (0.0, 1.0):
        torch.manual_seed(0)
        model, tok, fmt = new_reward_model(folder)
        pairs = encode_preferences(tok, fmt, PAIRS)
        model.score.weight.data.mul_(10)
        params = RewardParams(epochs=60, learning_rate=1e-2, centering=centering, **COMMON)
        train_reward_model(model, pairs, PAD, params, 0, quiet)
        both = [raw_scores(model, [pair.chosen, pair.rejected], PAD) for pair in pairs]
        sums[centering] = max(abs(c + r) for c, r in both)
    assert sums[1.0] < 0.3 * sums[0.0]


def test_pairs_equal_after_truncation_are_left_out():
    same_start = "long " * 40
    assert encode_preferences(TOK, FORMAT, [Preference("p", same_start + "good", same_start + "bad")]) == []


@torch.no_grad()
def test_raw_scores_keep_the_order_of_the_rows(tmp_path):
    model, tok, fmt = new_reward_model(saved_policy(tmp_path, "gpt2"))
    mixed = encode_pairs(tok, fmt, ["a", "the battery lasts", "b"], ["long long long", "x", "fair"])
    alone = [sequence_scores(model, *pad([row.ids], PAD, "right")).item() for row in mixed]
    assert raw_scores(model, mixed, PAD) == pytest.approx(alone, abs=1e-5)


def test_reward_scale_by_hand(tmp_path):
    scale = RewardScale.measure([1.0, 3.0])
    assert (scale.mean, scale.std) == (2.0, 1.0)
    assert scale.normalise(4.5) == 2.5
    assert RewardScale.measure([2.0, 2.0]).normalise(2.0) == 0.0
    scale.save(tmp_path)
    assert RewardScale.load(tmp_path) == scale


def test_dpo_starts_at_log_2_and_learns_to_prefer():
    torch.manual_seed(0)
    model = policy("gpt2", TOK)
    pairs = encode_preferences(TOK, FORMAT, PAIRS)
    before = _reference_logprobs(model, pairs, PAD)
    losses = []
    params = DpoParams(epochs=30, learning_rate=3e-3, beta=0.5, **COMMON)
    train_dpo(model, pairs, PAD, params, 0, lambda metrics, step: losses.append(metrics["loss"]))
    moved = _reference_logprobs(model, pairs, PAD) - before
    assert losses[0] == pytest.approx(math.log(2), abs=1e-6)
    assert losses[-1] < 0.1
    assert (moved[:, 0] > moved[:, 1]).all()


def test_reference_logprobs_are_sums_over_the_response_alone():
    torch.manual_seed(0)
    model = policy("gpt2", TOK)
    pairs = encode_preferences(TOK, FORMAT, PAIRS)
    row = pairs[1].rejected
    with torch.no_grad():
        table = model(torch.tensor([row.ids])).logits[0].log_softmax(-1)
    expected = sum(table[i - 1, row.ids[i]].item() for i in range(len(row.prompt), len(row)))
    assert _reference_logprobs(model, pairs, PAD)[1, 1].item() == pytest.approx(expected, rel=1e-5)


def test_a_loss_that_is_not_finite_changes_no_weight():
    model = policy("gpt2", TOK)
    before = copy.deepcopy(model.state_dict())
    loss = model(torch.tensor([[5, 6]])).logits.sum() * float("nan")
    with pytest.raises(TrainingDivergedError):
        Optimization(model, 1e-3, 10).step(loss)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_the_learning_rate_warms_up_and_decays_to_zero():
    optimization = Optimization(policy("gpt2", TOK), 1.0, 10, warmup_share=0.2)
    rates = []
    for _ in range(10):
        rates.append(optimization.learning_rate)
        optimization.optimizer.step()
        optimization.advance()
    assert rates == pytest.approx([0.0, 0.5, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125])
    assert optimization.learning_rate == 0.0
