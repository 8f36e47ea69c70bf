import pytest
import torch
from modeling.tiny_models import FAMILIES, plain_logprobs, policy, tokenizer
from training.histories import History
from training.preference_rows import COMMON, rows

from components.config import SupervisedParams
from components.training import forward
from components.training.encoding import Encoded
from components.training.epochs import count_steps, plan_batches
from components.training.learner import Compute
from components.training.run import Run
from components.training.sft import response_loss, train_sft

TOK = tokenizer()


def trained(params, seed=0, compute=None, family="gpt2", on=None):
    torch.manual_seed(0)
    model, history = policy(family, TOK), History()
    train_sft(model, on or rows(), params, Run(seed, history, compute or Compute()))
    return model, history


def total(model, on):
    """Sum of -log p over response tokens, one row alone after the other; and their number."""
    every = [value for row in on for value in plain_logprobs(model, row.prompt, row.response)]
    return -sum(every), len(every)


@pytest.mark.parametrize("family", FAMILIES)
def test_one_batch_is_learned_by_heart(family):
    params = SupervisedParams(epochs=100, learning_rate=1e-2, **COMMON)
    model, history = trained(params, family=family)
    assert history[0]["loss"] > 4
    loss, count = total(model, rows())
    assert loss / count < 0.02
    assert history[-1]["loss"] < 0.02


@pytest.mark.parametrize("portion", [1, 30, 16_384])
def test_the_loss_is_over_the_tokens_of_responses_alone(monkeypatch, portion):
    monkeypatch.setattr(forward, "tokens_at_once", lambda: portion)
    torch.manual_seed(0)
    model = policy("gpt2", TOK)
    loss, count = total(model, rows())
    assert count == sum(len(row.response) for row in rows())
    assert response_loss(model, rows()) == pytest.approx(loss / count, rel=1e-5)


def test_the_first_step_reports_the_loss_of_its_batch():
    """Sum over tokens / tokens of the batch: not a mean of the rows' means."""
    torch.manual_seed(0)
    fresh = policy("gpt2", TOK)
    loss, count = total(fresh, rows())
    means = [total(fresh, [row])[0] / len(row.response) for row in rows()]
    _, history = trained(SupervisedParams(epochs=1, learning_rate=1e-3, **COMMON))
    assert history[0]["loss"] == pytest.approx(loss / count, rel=1e-5)
    assert abs(history[0]["loss"] - sum(means) / 3) > 1e-3


@pytest.mark.parametrize("tokens", [1, 25])
def test_portions_change_no_figure_and_no_weight(tokens):
    params = SupervisedParams(epochs=4, learning_rate=1e-2, **COMMON)
    whole, expected = trained(params)
    parts, found = trained(params, compute=Compute(microbatch_tokens=tokens))
    for row, other in zip(found, expected, strict=True):
        # float32 after a few steps of other rounding.
        assert row == pytest.approx(other, rel=1e-3)
    for left, right in zip(parts.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=2e-4)


def test_prompts_are_not_learned():
    """A response learned by heart, and a prompt as surprising as before."""
    on = [Encoded([40, 41, 42, 43, 44], [50, 51, 0])]
    model, _ = trained(SupervisedParams(epochs=60, learning_rate=1e-2, **COMMON), on=on)
    assert sum(plain_logprobs(model, on[0].prompt, on[0].response)) > -0.1
    assert sum(plain_logprobs(model, [40], [41, 42, 43, 44])) < -4


def test_every_step_is_logged_and_the_run_repeats_itself_exactly():
    params = SupervisedParams(epochs=2, learning_rate=1e-3, **(COMMON | {"batch_size": 2}))
    (first, history), (again, repeated), (_, other) = (trained(params, seed) for seed in (3, 3, 6))
    assert history == repeated != other
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert history.of("step") == [1, 2, 3, 4] == list(range(1, count_steps(3, params) + 1))
    # Linear decay from the full rate in the first step.
    assert history.of("learning_rate") == pytest.approx([1e-3, 7.5e-4, 5e-4, 2.5e-4])
    assert all(row["grad_norm"] > 0 for row in history)


def test_an_epoch_takes_every_row_once():
    params = SupervisedParams(epochs=3, learning_rate=1e-3, **(COMMON | {"batch_size": 4}))
    lengths = list(range(1, 11))
    plan = plan_batches(lengths, params, seed=0)
    assert len(plan) == count_steps(10, params) == 9
    for epoch in range(3):
        taken = [row for batch in plan[3 * epoch : 3 * epoch + 3] for row in batch]
        assert sorted(taken) == list(range(10))
    assert plan[:3] != plan[3:6]


def test_dropout_stays_off():
    model, _ = trained(SupervisedParams(epochs=1, learning_rate=1e-3, **COMMON))
    assert not any(module.training for module in model.modules())
