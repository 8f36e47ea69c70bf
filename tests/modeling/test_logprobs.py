import pytest
import torch
from modeling.tiny_models import FAMILIES, policy, saved_policy, tokenizer

from components.modeling.loading import new_reward_model, scalar_head
from components.modeling.logprobs import (
    entropies,
    response_logprobs,
    scalar_outputs,
    sequence_scores,
    token_logprobs,
)
from components.modeling.padding import pad

TOK = tokenizer()
ROWS = [[5, 6, 7, 8, 9, 10], [11, 12, 13, 14], [15, 16, 17, 18, 19]]
RESPONSE = 3  # the last three tokens of each row


def unpadded(model, row, temperature=1.0):
    """Slow and independent: one row, whole softmax, no mask, no position ids."""
    logits = model(torch.tensor([row])).logits[0] / temperature
    table = logits.softmax(-1).log()
    return [table[i - 1, row[i]].item() for i in range(len(row) - RESPONSE, len(row))]


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_left_padding_and_batching_change_no_logprob(family):
    torch.manual_seed(0)
    model = policy(family, TOK)
    ids, mask = pad(ROWS, TOK.pad_token_id, "left")
    batched = response_logprobs(model, ids, mask, RESPONSE, temperature=0.7)
    for got, row in zip(batched, ROWS, strict=True):
        # float32 through two layers: the sums differ in the sixth digit.
        assert got.tolist() == pytest.approx(unpadded(model, row, 0.7), abs=1e-5)


def test_token_logprobs_by_hand():
    logits = torch.tensor([[[0.0, 2.0], [4.0, 0.0]]])
    tokens = torch.tensor([[1, 1]])
    # temperature 2 halves the logits: log sigmoid(1), log sigmoid(-2)
    assert token_logprobs(logits, tokens, 2.0)[0].tolist() == pytest.approx([-0.313262, -2.126928], abs=1e-5)


def test_entropy_of_a_fair_coin_is_log_2():
    assert entropies(torch.zeros(1, 1, 2), 1.0).item() == pytest.approx(0.693147, abs=1e-6)
    # temperature 2 on logits (0, 2): p = sigmoid(1)
    assert entropies(torch.tensor([[[0.0, 2.0]]]), 2.0).item() == pytest.approx(0.582203, abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_the_score_is_read_at_the_last_real_token_on_either_side(family, tmp_path):
    model, _, _ = new_reward_model(saved_policy(tmp_path, family))
    left = sequence_scores(model, *pad(ROWS, TOK.pad_token_id, "left"))
    right = sequence_scores(model, *pad(ROWS, TOK.pad_token_id, "right"))
    alone = [
        scalar_outputs(model, *pad([row], TOK.pad_token_id, "right"))[0, len(row) - 1].item() for row in ROWS
    ]
    assert left.tolist() == pytest.approx(alone, abs=1e-5)
    assert right.tolist() == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_scores_are_what_transformers_itself_says(family, tmp_path):
    model, _, _ = new_reward_model(saved_policy(tmp_path, family))
    ids, mask = pad(ROWS, TOK.pad_token_id, "right")
    theirs = model(input_ids=ids, attention_mask=mask.long()).logits.squeeze(1)
    assert sequence_scores(model, ids, mask).tolist() == pytest.approx(theirs.tolist(), abs=1e-5)


def test_the_reward_head_starts_at_one_over_root_d_plus_1(tmp_path):
    torch.manual_seed(0)
    folder = saved_policy(tmp_path, "gpt2")
    weights = torch.cat(
        [scalar_head(new_reward_model(folder)[0]).weight.detach().flatten() for _ in range(30)]
    )
    # 960 draws: the standard error of their std is 2.3 %, allow four of them.
    assert weights.std().item() == pytest.approx(33**-0.5, rel=0.09)
