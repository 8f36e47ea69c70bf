import math

import pytest
import torch
from modeling.tiny_models import FAMILIES, FORMAT, plain_logprobs, policy, tokenizer
from training.histories import History
from training.preference_rows import COMMON, PAIRS, SPLIT_PAIRS

from components.config import DpoParams
from components.training.dpo import reference_sums, train_dpo
from components.training.learner import Compute
from components.training.reward_model import encode_preferences
from components.training.run import Run

TOK = tokenizer()
BETA = 0.5


def train(pairs, compute=None, family="gpt2", **params):
    torch.manual_seed(0)
    model, history = policy(family, TOK), History()
    params = DpoParams(**({"epochs": 1, "learning_rate": 3e-3, "beta": BETA} | COMMON | params))
    train_dpo(model, encode_preferences(TOK, FORMAT, pairs), params, Run(0, history, compute or Compute()))
    return model, history


def sums(model, pairs):
    """Per pair: the logprob of the chosen and of the rejected response, each row alone."""
    return [
        tuple(sum(plain_logprobs(model, row.prompt, row.response)) for row in (pair.chosen, pair.rejected))
        for pair in encode_preferences(TOK, FORMAT, pairs)
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_it_starts_at_log_2_and_learns_to_prefer(family):
    torch.manual_seed(0)
    before = sums(policy(family, TOK), PAIRS)
    model, history = train(PAIRS, family=family, epochs=30)
    assert history[0]["loss"] == pytest.approx(math.log(2), abs=1e-5)
    assert history[0]["margin"] == pytest.approx(0.0, abs=1e-4)
    assert history[-1]["loss"] < 0.1
    for (chosen, rejected), (chosen_0, rejected_0) in zip(sums(model, PAIRS), before, strict=True):
        assert chosen - chosen_0 > rejected - rejected_0


def test_reference_logprobs_are_sums_over_each_response_alone():
    torch.manual_seed(0)
    model = policy("gpt2", TOK)
    found = reference_sums(model, encode_preferences(TOK, FORMAT, PAIRS))
    for row, expected in zip(found.tolist(), sums(model, PAIRS), strict=True):
        assert row == pytest.approx(expected, rel=1e-5)
    assert not found.requires_grad


def test_the_reference_is_the_model_before_training():
    """The second step's figures by hand: the margin is held against the start, not against the step before."""
    torch.manual_seed(0)
    start = sums(policy("gpt2", TOK), SPLIT_PAIRS)
    moved = sums(train(SPLIT_PAIRS, learning_rate=1e-3)[0], SPLIT_PAIRS)
    loss = margins = 0.0
    for (chosen, rejected), (chosen_0, rejected_0), pair in zip(moved, start, SPLIT_PAIRS, strict=True):
        margin = BETA * ((chosen - chosen_0) - (rejected - rejected_0))
        likely, said = 1 / (1 + math.exp(-margin)), pair.probability
        loss -= pair.weight * (said * math.log(likely) + (1 - said) * math.log(1 - likely)) / 3
        margins += margin / 3
    # Two steps, the first at the full rate, as the one step above.
    _, history = train(SPLIT_PAIRS, epochs=2, learning_rate=1e-3)
    assert margins > 0.1
    assert history[1]["margin"] == pytest.approx(margins, rel=1e-3)
    assert history[1]["loss"] == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("tokens", [1, 40])
def test_portions_change_no_figure_and_no_weight(tokens):
    whole, expected = train(SPLIT_PAIRS, epochs=3)
    parts, found = train(SPLIT_PAIRS, Compute(microbatch_tokens=tokens), epochs=3)
    for row, other in zip(found, expected, strict=True):
        # float32: sums of whole responses lose a digit in the margin.
        assert row == pytest.approx(other, rel=2e-3, abs=2e-5)
    for left, right in zip(parts.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=5e-4)


def test_bfloat16_starts_at_log_2_too():
    """The reference is measured in the precision of the training."""
    model, history = train(PAIRS, Compute(torch.bfloat16), epochs=30)
    assert history[0]["loss"] == pytest.approx(math.log(2), abs=0.01)
    assert history[-1]["loss"] < 0.15
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}


def test_the_same_seed_gives_the_same_run():
    (first, history), (again, repeated) = (train(PAIRS, epochs=3) for _ in range(2))
    assert history == repeated
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
