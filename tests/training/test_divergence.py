"""The distance that the KL gate is held to, against plain forwards of each response alone."""

import pytest
import torch
from modeling.tiny_models import packing, plain_logprobs, plain_policy, tokenizer

from components.training import forward
from components.training.divergence import sequence_kls
from components.training.encoding import Encoded

ROWS = [
    Encoded([5, 6, 7, 8], [9, 10, 0]),
    Encoded([11], [12]),
    Encoded([13, 14], [15, 16, 17, 18, 19, 20, 21]),
]


def two_models():
    torch.manual_seed(0)
    return [plain_policy("gpt2", tokenizer()) for _ in range(2)]


@pytest.mark.parametrize("portion", [1, 16_384])
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_the_sum_of_log_ratios_over_each_response(monkeypatch, portion, temperature):
    monkeypatch.setattr(forward, "tokens_at_once", lambda: portion)
    ours, theirs = two_models()
    expected = []
    for row in ROWS:
        here, there = (
            plain_logprobs(model, row.prompt, row.response, temperature) for model in (ours, theirs)
        )
        expected.append(sum(here) - sum(there))
    assert max(expected) > 0 > min(expected)
    found = sequence_kls(packing(ours), packing(theirs), ROWS, temperature)
    assert found == pytest.approx(expected, abs=1e-4)


def test_a_policy_is_no_way_from_itself():
    model = packing(two_models()[0])
    assert sequence_kls(model, model, ROWS, 0.6) == [0.0] * 3
