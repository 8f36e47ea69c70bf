"""The arithmetic that the benchmark counts, by hand and against what torch counts."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM

from benchmarks import flops
from benchmarks.assets import config_of
from benchmarks.plan import JOBS
from benchmarks.shapes import SHAPES, Shape

GPT2 = Shape("by hand", "gpt2", layers=1, width=2, heads=1, inner=3, vocab=5, response_tokens=4)
LLAMA = Shape("by hand", "llama", layers=1, width=2, heads=1, inner=3, vocab=5, response_tokens=4)


def test_a_forward_pass_by_hand():
    # weights 4 * 2 * 2 + 2 * 2 * 3 = 28: 2 * 3 * 28; attention 2 * 3 * 4 * 2; logits 2 * 2 * 2 * 5
    assert flops.forward(GPT2, tokens=3, logits=2) == 168 + 48 + 40
    # one more feed-forward matrix of 2 * 3
    assert flops.forward(LLAMA, tokens=3, logits=2) == 204 + 48 + 40


@pytest.mark.parametrize("shape", SHAPES.values(), ids=lambda shape: shape.name)
def test_a_forward_pass_as_torch_counts_it(shape):
    tokens = 24
    model = AutoModelForCausalLM.from_config(config_of(shape), attn_implementation="eager").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, tokens, dtype=torch.long), use_cache=False)
    # torch counts the half of attention that a causal mask leaves out.
    unneeded = shape.layers * shape.width * (4 * tokens**2 - 2 * tokens * (tokens + 1))
    assert counter.get_total_flops() == flops.forward(shape, tokens, tokens) + unneeded


def test_an_iteration_of_ppo():
    lengths = [(2, 1)]
    read, scored = flops.forward(GPT2, 3, 1), flops.forward(GPT2, 3, 0)
    sampled = flops.forward(GPT2, 2, 1)
    # reference and reward model once, the critic once, then policy and critic three times in each epoch
    assert flops.ppo(GPT2, lengths, epochs=4) == sampled + read + 2 * scored + 12 * (read + scored)
    assert flops.ppo(GPT2, lengths, epochs=4, shared_trunk=True) == sampled + read + scored + 12 * read


def test_dpo_reads_the_reference_too():
    lengths = [(2, 1), (1, 4)]
    assert flops.of_job("dpo", GPT2, lengths, 1, False) == 4 * flops.policy(GPT2, lengths)


def test_every_job_is_counted():
    for job in JOBS:
        assert flops.of_job(job, GPT2, [(2, 1)], 4, False) > 0
