"""A lap counts only if it did what the harness knows it had to do."""

import pytest

from benchmarks import flops
from benchmarks.data import lengths, make_data
from benchmarks.measure import completed
from benchmarks.plan import EPOCHS, Contestant, make_plan

OURS = Contestant("ours", "fp32")
SHARED = Contestant("ours", "bf16", "shared_trunk")
DATA = make_data(vocab=50, prompts=0, rows=40, pairs=40, seed=1)


def test_a_training_must_read_every_token_in_the_updates_there_are():
    [group] = make_plan(False, ["dpo"], ["tiny"])
    tokens = sum(sum(pair) for row in DATA["pairs"] for pair in lengths(row))
    # 40 pairs are two batches of 16 and one of 8.
    lap = completed({"seconds": 1.0, "rows": 40, "tokens": tokens, "updates": 3}, group, OURS, DATA)
    assert lap["tokens"] == tokens
    for wrong in ({"tokens": tokens - 1, "updates": 3}, {"tokens": tokens, "updates": 2}):
        with pytest.raises(AssertionError, match="ours fp32 made"):
            completed({"seconds": 1.0, "rows": 40, **wrong}, group, OURS, DATA)


def test_an_iteration_counts_what_was_sampled():
    [group] = make_plan(False, ["ppo"], ["tiny"])
    sampled = [(8, 3), (10, 5)]
    lap = completed({"rows": 2, "lengths": sampled, "updates": 16}, group, OURS, DATA)
    assert (lap["tokens"], lap["response_tokens"]) == (26, 8)
    assert lap["flops"] == flops.ppo(group.shape, sampled, EPOCHS)
    shared = completed({"rows": 2, "lengths": sampled, "updates": 16}, group, SHARED, DATA)
    assert shared["flops"] == flops.ppo(group.shape, sampled, EPOCHS, shared_trunk=True)


def test_an_iteration_must_make_every_update():
    [group] = make_plan(False, ["ppo"], ["tiny"])
    with pytest.raises(AssertionError, match="ours fp32 made 4 updates in a lap of 16"):
        completed({"rows": 2, "lengths": [(8, 3)], "updates": 4}, group, OURS, DATA)
