"""Portions by tokens, and what happens when even they do not fit."""

import weakref

import pytest
import torch
from modeling.tiny_models import policy, tokenizer

from components.errors import ModelError
from components.training.encoding import Encoded
from components.training.forward import response_logprobs
from components.training.learner import Compute, Learner, Schedule
from components.training.microbatches import Microbatches, even_ranges, ranges_by_tokens

TOK = tokenizer()
ROWS = [Encoded([5, 6, 7], [8 + i] * (i + 1)) for i in range(6)]
LENGTHS = [len(row) for row in ROWS]
COUNT = sum(len(row.response) for row in ROWS)


def test_ranges_by_hand():
    assert ranges_by_tokens([3, 3, 3, 3], 6) == [range(0, 2), range(2, 4)]
    assert ranges_by_tokens([3, 3, 3, 3], 7) == [range(0, 2), range(2, 4)]
    assert ranges_by_tokens([1, 2, 3, 9, 1], 4) == [range(0, 2), range(2, 3), range(3, 4), range(4, 5)]
    assert ranges_by_tokens([50, 50], 1) == [range(0, 1), range(1, 2)]
    assert ranges_by_tokens([], 4) == []


def test_as_few_ranges_and_as_even_as_they_can_be():
    # Ten tokens at most: [6, 4], [1] would do, but [6], [4, 1] has no more parts.
    assert even_ranges([6, 4, 1], 10) == [range(0, 1), range(1, 3)]
    assert even_ranges([3, 3, 3, 3], 9) == [range(0, 2), range(2, 4)]
    assert even_ranges([2, 2, 2], 6) == [range(0, 3)]
    # What is longer than the budget is a part of its own, and the others keep theirs.
    assert even_ranges([1, 1, 1, 1, 9], 3) == [range(0, 3), range(3, 4), range(4, 5)]
    assert even_ranges([], 4) == []


def test_every_row_is_in_one_part_beside_rows_of_like_length():
    lengths = [9, 2, 7, 2, 8, 3, 1]
    parts = Microbatches(10).split(lengths)
    assert sorted(index for part in parts for index in part) == list(range(7))
    assert [sorted(lengths[i] for i in part) for part in parts] == [[1, 2, 2, 3], [7], [8], [9]]
    assert [len(part) for part in Microbatches(1000).split(lengths)] == [7]


def learner(tokens):
    torch.manual_seed(0)
    return Learner(policy("gpt2", TOK), Schedule(1e-2, 10), Compute(microbatch_tokens=tokens))


def loss_of(subject, calls, fail_at=()):
    """Counts its calls; runs out of memory at some of them, after part of the work."""

    def loss(part):
        calls.append(list(part))
        logprobs, _ = response_logprobs(subject.model, [ROWS[i] for i in part])
        if len(calls) in fail_at:
            raise torch.OutOfMemoryError("tried to allocate 2.00 GiB")
        total = -logprobs.sum() / COUNT
        return {"loss": total, "share": torch.tensor(len(part) / len(ROWS))}

    return loss


def test_out_of_memory_halves_the_portions_and_nothing_is_counted_twice():
    calm, calls = learner(24), []
    expected = calm.update(LENGTHS, loss_of(calm, calls))
    assert len(calls) == 2
    short, calls = learner(24), []
    # The second part fails: the gradient of the first must be forgotten.
    found = short.update(LENGTHS, loss_of(short, calls, fail_at=(2,)))
    assert short.microbatches.tokens == 12
    assert sorted(index for part in calls[2:] for index in part) == list(range(6))
    assert all(sum(LENGTHS[i] for i in part) <= 12 for part in calls[2:])
    assert found.figures == pytest.approx(expected.figures, rel=1e-5)
    assert found.figures["share"] == pytest.approx(1.0)
    assert found.grad_norm == pytest.approx(expected.grad_norm, rel=1e-4)
    for left, right in zip(short.model.parameters(), calm.model.parameters(), strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=1e-5)


def test_the_smaller_portions_stay():
    subject, calls = learner(1000), []
    subject.update(LENGTHS, loss_of(subject, calls, fail_at=(1,)))
    subject.microbatches.tokens = 12
    calls.clear()
    subject.update(LENGTHS, loss_of(subject, calls))
    assert all(sum(LENGTHS[i] for i in part) <= 12 for part in calls)


def test_the_second_time_a_person_is_told_what_to_set():
    subject, calls = learner(24), []
    with pytest.raises(ModelError) as caught:
        subject.update(LENGTHS, loss_of(subject, calls, fail_at=(1, 2)))
    assert "12 tokens" in caught.value.message
    assert "train.microbatch_tokens" in caught.value.remedy


def test_also_in_a_later_step():
    subject, calls = learner(24), []
    subject.update(LENGTHS, loss_of(subject, calls, fail_at=(1,)))
    subject.update(LENGTHS, loss_of(subject, calls))
    calls.clear()
    with pytest.raises(ModelError):
        subject.update(LENGTHS, loss_of(subject, calls, fail_at=(2,)))
    assert len(calls) == 2


def test_other_errors_are_not_taken_for_lack_of_memory():
    subject = learner(24)
    with pytest.raises(ZeroDivisionError):
        subject.update(LENGTHS, lambda part: {"loss": 1 / 0})
    assert subject.microbatches.tokens == 24


def test_a_cpu_without_memory_halves_too():
    subject, calls = learner(24), []

    def loss(part):
        calls.append(part)
        if len(calls) == 1:
            torch.empty(1 << 50)
        logprobs, _ = response_logprobs(subject.model, [ROWS[i] for i in part])
        return {"loss": -logprobs.sum() / COUNT}

    assert subject.update(LENGTHS, loss).applied
    assert subject.microbatches.tokens == 12


def test_what_failed_is_let_go_before_the_next_try():
    """Else its activations, held by the error's own traceback, take the memory that the halves need."""
    subject, held = learner(1000), []

    def loss(part):
        activations = torch.ones(8)
        if not held:
            held.append(weakref.ref(activations))
            raise torch.OutOfMemoryError("tried to allocate 2.00 GiB")
        assert held[0]() is None
        logprobs, _ = response_logprobs(subject.model, [ROWS[i] for i in part])
        return {"loss": -logprobs.sum() / COUNT}

    assert subject.update(LENGTHS, loss).applied
