"""One optimizer step: what is accumulated, clipped, refused and scheduled."""

import copy
import math

import pytest
import torch
from modeling.tiny_models import policy, tokenizer

from components.errors import TrainingDivergedError
from components.modeling.packing import model_inputs, pack
from components.training.learner import Compute, Learner, Schedule

TOK = tokenizer()
#: Uneven: rows of 2 to 9 tokens.
ROWS = [list(range(5 + 10 * i, 7 + 11 * i)) for i in range(8)]
LENGTHS = [len(row) for row in ROWS]
COUNT = sum(LENGTHS) - len(ROWS)


def learner(microbatch_tokens=10_000, total_steps=10, **schedule):
    torch.manual_seed(0)
    model = policy("gpt2", TOK).double()
    plan = Schedule(schedule.pop("learning_rate", 1e-3), total_steps, **({"max_grad_norm": 1e9} | schedule))
    return Learner(model, plan, Compute(microbatch_tokens=microbatch_tokens))


def next_token_sum(model, rows):
    """Sum of -log p over all tokens but each row's first, in float64 throughout."""
    packed = pack(rows, model.device)
    places = torch.tensor([i for i in range(packed.ids.shape[1]) if i not in packed.last])
    table = model(**model_inputs(packed), logits_to_keep=places).logits[0].log_softmax(-1)
    return -table.gather(1, packed.ids[0, places + 1].unsqueeze(1)).sum()


def summed(subject, divide_by=None):
    """A partial loss divided by the count of the minibatch, or by whatever `divide_by` makes of the part."""

    def loss(part):
        rows = [ROWS[i] for i in part]
        total = next_token_sum(subject.model, rows)
        return {
            "loss": total / (COUNT if divide_by is None else divide_by(rows)),
            "rows": torch.tensor(len(rows) / 8),
        }

    return loss


def gradients_of_step(subject, loss):
    """What the optimizer is given in one update, and the update."""
    given = []
    step = subject.optimizer.step
    subject.optimizer.step = lambda: (given.extend(w.grad.clone() for w in subject.weights.weights), step())
    update = subject.update(LENGTHS, loss)
    subject.optimizer.step = step
    return given, update


def largest_difference(left, right):
    """Of two lists of gradients, as a share of the largest entry."""
    apart = max((a - b).abs().max().item() for a, b in zip(left, right, strict=True))
    return apart / max(b.abs().max().item() for b in right)


@pytest.mark.parametrize("tokens", [1, 13, 20])
def test_the_split_into_microbatches_changes_nothing(tokens):
    whole, parts = learner(), learner(microbatch_tokens=tokens)
    assert len(whole.microbatches.split(LENGTHS)) == 1
    assert len(parts.microbatches.split(LENGTHS)) == {1: 8, 13: 5, 20: 3}[tokens]
    expected, one = gradients_of_step(whole, summed(whole))
    found, many = gradients_of_step(parts, summed(parts))
    # float64: nothing but the order of additions differs.
    assert largest_difference(found, expected) < 1e-12
    assert many.grad_norm == pytest.approx(one.grad_norm, rel=1e-12)
    assert many.figures == pytest.approx(one.figures, rel=1e-12)
    assert many.figures["rows"] == pytest.approx(1.0)


def test_a_mean_of_means_would_be_another_gradient():
    """The classic bug, planted in the loss: each part divided by its own tokens and by the number of parts."""
    whole, parts = learner(), learner(microbatch_tokens=1)
    expected, _ = gradients_of_step(whole, summed(whole))
    wrong, update = gradients_of_step(parts, summed(parts, lambda rows: 8 * (len(rows[0]) - 1)))
    assert largest_difference(wrong, expected) > 0.05
    assert abs(update.figures["loss"] - whole.update(LENGTHS, summed(whole)).figures["loss"]) > 1e-3


def test_the_step_is_that_of_the_sequences_one_by_one():
    """AdamW by hand on gradients of plain forwards: the first step moves by lr * g / (|g| + eps)."""
    subject = learner(microbatch_tokens=13, learning_rate=0.01)
    plain = copy.deepcopy(subject.model)
    loss = sum(plain(torch.tensor([row]), labels=torch.tensor([row])).loss * (len(row) - 1) for row in ROWS)
    (loss / COUNT).backward()
    subject.update(LENGTHS, summed(subject))
    for (name, before), after in zip(plain.named_parameters(), subject.model.parameters(), strict=True):
        # transformers computes its loss in float32: six digits.
        expected = before - 0.01 * before.grad / (before.grad.abs() + 1e-5)
        torch.testing.assert_close(after, expected, rtol=0, atol=1e-4, msg=lambda m, n=name: f"{n}: {m}")


def test_gradients_are_clipped_and_the_norm_is_that_before():
    subject, free = learner(max_grad_norm=0.01), learner()
    clipped, update = gradients_of_step(subject, summed(subject))
    raw, unclipped = gradients_of_step(free, summed(free))
    norm = math.sqrt(sum(g.square().sum().item() for g in raw))
    assert update.grad_norm == pytest.approx(norm) == unclipped.grad_norm
    assert norm > 0.1
    assert math.sqrt(sum(g.square().sum().item() for g in clipped)) == pytest.approx(0.01, rel=1e-4)
    assert largest_difference([g * 0.01 / norm for g in raw], clipped) < 1e-4


def test_gradients_do_not_outlive_their_step():
    subject = learner(learning_rate=1e-12)
    first, _ = gradients_of_step(subject, summed(subject))
    assert all(weight.grad is None for weight in subject.model.parameters())
    second, _ = gradients_of_step(subject, summed(subject))
    assert largest_difference(second, first) < 1e-6


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_changes_no_bit(bad):
    subject = learner(microbatch_tokens=1)
    good = summed(subject)
    subject.update(LENGTHS, good)
    before = copy.deepcopy(subject.model.state_dict())
    moments = copy.deepcopy(subject.optimizer.state_dict()["state"])

    def spoiled(part):
        figures = good(part)
        return figures | {"loss": figures["loss"] * bad} if 3 in part else figures

    update = subject.update(LENGTHS, spoiled)
    assert not update.applied
    assert not math.isfinite(update.grad_norm)
    assert subject.guard.not_finite == 1
    for name, value in subject.model.state_dict().items():
        assert torch.equal(value, before[name])
    for index, state in subject.optimizer.state_dict()["state"].items():
        assert all(torch.equal(state[key], moments[index][key]) for key in ("step", "exp_avg", "exp_avg_sq"))
    assert subject.update(LENGTHS, good).applied
    assert subject.guard.not_finite == 0
    assert all(torch.isfinite(weight).all() for weight in subject.model.parameters())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_no_step_though_its_gradient_is(bad):
    subject = learner()
    good = summed(subject)
    before = copy.deepcopy(subject.model.state_dict())
    update = subject.update(LENGTHS, lambda part: good(part) | {"loss": good(part)["loss"] + bad})
    assert math.isfinite(update.grad_norm)
    assert not update.applied
    assert all(torch.equal(value, before[name]) for name, value in subject.model.state_dict().items())


def test_a_spike_is_skipped_and_too_many_end_the_run():
    subject = learner(total_steps=200, learning_rate=1e-9)
    good = summed(subject)
    for _ in range(20):
        assert subject.update(LENGTHS, good).applied
    before = copy.deepcopy(subject.model.state_dict())

    def spike(part):
        figures = good(part)
        return figures | {"loss": 1000 * figures["loss"]}

    # 1 % of 200 steps may be skipped.
    for _ in range(2):
        assert not subject.update(LENGTHS, spike).applied
    assert all(torch.equal(value, before[name]) for name, value in subject.model.state_dict().items())
    with pytest.raises(TrainingDivergedError, match="3 of 200 steps"):
        subject.update(LENGTHS, spike)


def test_the_spikes_allowed_are_counted_in_updates_not_in_rounds():
    """PPO moves the learning rate once a round of many updates."""
    assert learner(total_steps=10, updates_per_step=16).guard.total_steps == 160


def test_the_learning_rate_warms_up_and_decays_to_zero():
    subject = learner(learning_rate=1.0, warmup_share=0.2)
    rates = []
    for _ in range(10):
        rates.append(subject.learning_rate)
        subject.optimizer.step()
        subject.advance()
    assert rates == pytest.approx([0.0, 0.5, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125])
    assert subject.learning_rate == 0.0


def test_weights_decay_without_a_gradient():
    subject = learner(learning_rate=0.1, weight_decay=0.5)
    before = copy.deepcopy(subject.model.state_dict())
    subject.update(
        LENGTHS, lambda part: {"loss": 0.0 * next_token_sum(subject.model, [ROWS[i] for i in part])}
    )
    for name, value in subject.model.state_dict().items():
        # AdamW: 1 - 0.1 * 0.5 of each weight is left.
        torch.testing.assert_close(value, 0.95 * before[name])
