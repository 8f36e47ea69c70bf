"""The benchmark for GPUs, tried on a CPU with a toy model and nothing but torch and transformers."""

import json
import subprocess
import sys

import pytest
import torch
from bare_python import ROOT

from benchmarks import flops
from benchmarks.gpu_setting import SETTINGS
from benchmarks.shapes import Shape


def run(*arguments):
    command = [sys.executable, str(ROOT / "tests/bare_python.py"), "benchmarks.gpu", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_the_harness_runs_on_a_cpu_with_a_toy_and_nothing_but_torch_and_transformers(tmp_path):
    done = run("--device", "cpu", "--shape", "toy", "--repeats", "2", "--json", str(tmp_path / "gpu.json"))
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "gpu.json").read_text())
    assert (written["device"], written["dtype"]) == ("CPU", "torch.float32")
    (toy,) = written["results"]
    names = [row["name"] for row in toy["decoding"]]
    assert names == [
        "ours, dropping",
        "ours, few shapes",
        "transformers, dynamic cache",
        "transformers, static cache",
    ]
    for row in toy["decoding"]:
        assert row["refused"] is None
        assert len(row["laps"]) == 2
        assert row["slowest"] <= row["tokens_per_second"] <= row["fastest"]
        assert all(8 <= lap["tokens"] <= 8 * 12 for lap in row["laps"])
        assert row["name"] in done.stdout
    # The same dice and the same model: both of our ways sample the same tokens.
    tokens = [[lap["tokens"] for lap in row["laps"]] for row in toy["decoding"][:2]]
    assert tokens[0] == tokens[1]
    ppo = toy["ppo"]
    assert len(ppo["laps"]) == 2
    for lap in ppo["laps"]:
        assert len(lap["lengths"]) == 8
        assert lap["figures"]["updates"] == 16
        assert all(seconds > 0 for seconds in lap["seconds"].values())
    assert 0 < ppo["generating_share"] < 1
    assert 0 < ppo["update_peak_share"] < 1
    assert "of the matmul peak" in done.stdout


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so():
    done = run()
    assert done.returncode == 1
    assert done.stderr.strip().startswith(
        "there is no CUDA device here; `python -m benchmarks.gpu --device cpu"
    )


def test_on_a_cpu_it_measures_no_real_shape():
    done = run("--device", "cpu", "--shape", "gpt2-124m")
    assert done.returncode == 1
    assert "only --shape toy" in done.stderr


def weights(shape):
    """Of all matrices that tokens are multiplied with, the head's included."""
    return flops.forward(shape, 1, 1) // 2 - 2 * shape.layers * shape.width


def test_the_shapes_are_of_the_sizes_they_are_named_for():
    """GPT-2's 124M less 0.8M positions, and its biases and norms; TinyLlama's 1.1B less its 65M embeddings."""
    assert weights(SETTINGS["gpt2-124m"].shape) / 1e6 == pytest.approx(123.5, abs=0.2)
    assert weights(SETTINGS["llama-1b"].shape) / 1e6 == pytest.approx(1034, abs=1)


def test_shared_heads_of_keys_and_values_by_hand():
    shape = Shape("by hand", "llama", 1, 4, heads=2, inner=3, vocab=5, response_tokens=4, kv_heads=1)
    # weights 2 * 4 * (4 + 2) + 3 * 4 * 3 = 84: 2 * 3 * 84; attention 2 * 3 * 4 * 4; logits 2 * 2 * 4 * 5
    assert flops.forward(shape, tokens=3, logits=2) == 504 + 96 + 80


def test_prompts_of_a_round_repeat_and_are_uneven():
    setting = SETTINGS["llama-1b"]
    assert setting.prompts(1) == setting.prompts(1) != setting.prompts(2)
    lengths = {len(prompt) for prompt in setting.prompts(0)}
    assert len(lengths) > 10
    assert min(lengths) >= 64
    assert max(lengths) <= 128
