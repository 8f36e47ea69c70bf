"""Logprobs, scores and values of packed rows against each row alone in a plain model."""

import pytest
import torch
from modeling.tiny_models import ALL_FAMILIES, packing, plain_logprobs, plain_policy, saved_policy, tokenizer
from transformers import AutoModelForSequenceClassification

from components.modeling.loading import new_reward_model, save_model, scalar_head
from components.modeling.value_head import attach_value_head
from components.training import forward
from components.training.encoding import Encoded
from components.training.forward import (
    in_parts,
    response_logprobs,
    response_logprobs_and_values,
    response_sums,
    sequence_scores,
    state_values,
    sum_by_response,
)

TOK = tokenizer()
ROWS = [
    Encoded([5, 6, 7, 8], [9, 10, 0]),
    Encoded([11], [12]),
    Encoded([13, 14], [15, 16, 17, 18, 19, 20, 21]),
    Encoded([22, 23, 24, 25, 26, 27, 28], [29, 30]),
]
COUNTS = [3, 1, 7, 2]


def flat_logprobs(plain, temperature=1.0):
    return [value for row in ROWS for value in plain_logprobs(plain, row.prompt, row.response, temperature)]


def pair(family):
    torch.manual_seed(0)
    plain = plain_policy(family, TOK)
    return plain, packing(plain)


def scorers(family, tmp_path):
    """A reward model, and what transformers itself makes of the folder it is saved in."""
    torch.manual_seed(0)
    model, tok, fmt = new_reward_model(saved_policy(tmp_path / "sft", family))
    save_model(tmp_path / "reward", model, tok, fmt)
    plain = AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "reward", attn_implementation="eager"
    )
    return plain.eval(), model


@torch.no_grad()
def states_alone(plain, row):
    """[L] the score head at every token of one row alone."""
    return plain.score(plain.base_model(torch.tensor([row.ids])).last_hidden_state)[0, :, 0].tolist()


@pytest.mark.parametrize("family", ALL_FAMILIES)
@torch.no_grad()
def test_logprobs_are_flat_and_those_of_each_row_alone(family):
    plain, model = pair(family)
    for temperature in (1.0, 0.6):
        logprobs, entropies = response_logprobs(model, ROWS, temperature)
        # float32 through two layers: the sums differ in the sixth digit.
        assert logprobs.tolist() == pytest.approx(flat_logprobs(plain, temperature), abs=2e-5)
    table = (plain(torch.tensor([ROWS[0].ids])).logits[0, 3:6].double() / 0.6).log_softmax(-1)
    expected = -(table.exp() * table).sum(-1)
    assert entropies[:3].tolist() == pytest.approx(expected.tolist(), abs=2e-5)
    assert entropies.shape == (sum(COUNTS),)


@pytest.mark.parametrize("family", ALL_FAMILIES)
@torch.no_grad()
def test_order_and_company_change_no_logprob(family):
    _, model = pair(family)
    whole = response_logprobs(model, ROWS)[0].split(COUNTS)
    for order in ([3, 2, 1, 0], [2], [1, 1, 0]):
        parts = response_logprobs(model, [ROWS[i] for i in order])[0].split([COUNTS[i] for i in order])
        for index, part in zip(order, parts, strict=True):
            torch.testing.assert_close(part, whole[index], rtol=0, atol=2e-5)


@torch.no_grad()
def test_sums_of_whole_responses():
    plain, model = pair("gpt2")
    expected = [sum(plain_logprobs(plain, row.prompt, row.response)) for row in ROWS]
    assert response_sums(model, ROWS).tolist() == pytest.approx(expected, abs=5e-5)
    numbers = torch.arange(13.0)
    assert sum_by_response(numbers, ROWS).tolist() == [3.0, 3.0, 49.0, 23.0]


@pytest.mark.parametrize("family", ALL_FAMILIES)
@torch.no_grad()
def test_policy_and_value_head_in_one_pass(family):
    plain, model = pair(family)
    attach_value_head(model)
    torch.nn.init.normal_(model.value_head.weight)
    logprobs, entropies, values = response_logprobs_and_values(model, ROWS, 0.6)
    assert logprobs.tolist() == pytest.approx(flat_logprobs(plain, 0.6), abs=2e-5)
    assert torch.equal(entropies, response_logprobs(model, ROWS, 0.6)[1])
    expected = []
    for row in ROWS:
        states = plain(torch.tensor([row.ids]), output_hidden_states=True).hidden_states[-1][0]
        # The state before each response token: it has not seen the token.
        expected += model.value_head(states[len(row.prompt) - 1 : -1])[:, 0].tolist()
    assert values.tolist() == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("family", ALL_FAMILIES)
@torch.no_grad()
def test_the_score_is_read_at_the_last_token_and_as_transformers_says(family, tmp_path):
    plain, model = scorers(family, tmp_path)
    scores = sequence_scores(model, ROWS)
    assert scores.dtype == torch.float32
    assert scores.tolist() == pytest.approx([states_alone(plain, row)[-1] for row in ROWS], abs=2e-5)
    theirs = [plain(torch.tensor([row.ids])).logits.item() for row in ROWS]
    assert scores.tolist() == pytest.approx(theirs, abs=2e-5)


@pytest.mark.parametrize("family", ALL_FAMILIES)
@torch.no_grad()
def test_values_stand_before_each_token_and_after_the_last(family, tmp_path):
    plain, critic = scorers(family, tmp_path)
    alone = [states_alone(plain, row)[len(row.prompt) - 1 :] for row in ROWS]
    before = [value for states in alone for value in states[:-1]]
    after = [value for states in alone for value in states]
    assert state_values(critic, ROWS).tolist() == pytest.approx(after, abs=2e-5)
    short = state_values(critic, ROWS, after_last=False)
    assert short.tolist() == pytest.approx(before, abs=2e-5)


def test_the_reward_head_starts_at_one_over_root_d_plus_1(tmp_path):
    torch.manual_seed(0)
    folder = saved_policy(tmp_path, "gpt2")
    weights = torch.cat(
        [scalar_head(new_reward_model(folder)[0]).weight.detach().flatten() for _ in range(30)]
    )
    # 960 draws: the standard error of their std is 2.3 %, allow four of them.
    assert weights.std().item() == pytest.approx(33**-0.5, rel=0.09)


def test_parts_are_small_and_come_back_in_order(monkeypatch):
    monkeypatch.setattr(forward, "tokens_at_once", lambda: 10)
    seen = []

    def measure(part):
        seen.append([len(row) for row in part])
        return [torch.tensor(row.response[-1]) for row in part]

    assert torch.stack(in_parts(ROWS, measure)).tolist() == [0, 12, 21, 30]
    # 2, 7, 9 and 9 tokens: the shortest go together, no part has more than ten.
    assert seen == [[2, 7], [9], [9]]
    assert in_parts([], measure) == []
