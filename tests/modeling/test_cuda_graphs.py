"""Recorded steps: what they do on a GPU, and in what order they do it anywhere."""

from contextlib import nullcontext

import pytest
import torch
from modeling.test_static_decoding import PROMPTS, assert_alike, draw, model_of
from modeling.tiny_models import FAMILIES

from components.modeling import cuda_graphs
from components.modeling.cuda_graphs import Recordings, decode_recorded
from components.modeling.decoding import decode_dropping
from components.modeling.exploration import Exploration
from components.modeling.sampling import fastest_decode
from components.modeling.static_decoding import decode_static

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")


class Graph:
    """Stands for a CUDA graph where there is no GPU: keeps what was asked of it."""

    def __init__(self):
        self.said = []

    def capture_begin(self, **_):
        self.said.append("begin")

    def capture_end(self):
        self.said.append("end")

    def replay(self):
        self.said.append("replay")


@pytest.fixture
def graphs(monkeypatch):
    made = []

    def make():
        made.append(Graph())
        return made[-1]

    monkeypatch.setattr(torch.cuda, "CUDAGraph", make)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(cuda_graphs, "_memory", lambda device: type("Pool", (), {"id": (0, 1)}))
    monkeypatch.setattr(cuda_graphs, "_beside", nullcontext)
    return made


def test_the_first_step_of_a_shape_runs_and_is_recorded_and_the_next_are_played(graphs):
    run_step, ran = Recordings(), []
    for shape in ("a", "a", "b", "a", "b"):
        run_step(lambda shape=shape: ran.append(shape), shape)
    # Once to run, once to be recorded: a GPU does not run what is recorded.
    assert ran == ["a", "a", "b", "b"]
    assert [graph.said for graph in graphs] == [
        ["begin", "end", "replay", "replay"],
        ["begin", "end", "replay"],
    ]


def test_a_step_that_cannot_be_recorded_runs_each_time(graphs):
    run_step, ran = Recordings(), []

    def step():
        ran.append(len(ran))
        if graphs and graphs[-1].said[-1] == "begin":
            raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.warns(UserWarning, match="without CUDA graphs: operation not permitted"):
        run_step(step, "a")
    assert graphs[0].said == ["begin", "end"]
    run_step(step, "a")
    run_step(step, "b")
    # The first, its recording that failed, and the two that follow.
    assert len(ran) == 4
    assert len(graphs) == 1


@pytest.mark.parametrize(("asked", "only_warns"), [(True, True), (True, False), (False, False)])
def test_repeatable_kernels_are_only_set_aside_while_a_step_is_recorded(graphs, asked, only_warns):
    seen = []
    torch.use_deterministic_algorithms(asked, warn_only=only_warns)
    try:
        Recordings()(lambda: seen.append(torch.are_deterministic_algorithms_enabled()), "a")
        assert seen == [False, False]
        assert torch.are_deterministic_algorithms_enabled() == asked
        assert torch.is_deterministic_algorithms_warn_only_enabled() == only_warns
    finally:
        torch.use_deterministic_algorithms(False)


@needs_gpu
@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("explore", [Exploration(), Exploration(1.2, top_k=100, top_p=0.97, epsilon=0.1)])
@pytest.mark.parametrize("family", FAMILIES)
def test_on_a_gpu_recorded_steps_sample_what_plain_steps_do(family, explore, deterministic, recwarn):
    model = model_of(family).to("cuda")
    assert fastest_decode(model) is decode_recorded
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    try:
        got = draw(model, decode_recorded, explore)
    finally:
        torch.use_deterministic_algorithms(False)
    assert not [warning for warning in recwarn if "CUDA graphs" in str(warning.message)]
    assert_alike(got, draw(model, decode_static, explore))
    assert len(got.ended) == len(PROMPTS)


@needs_gpu
def test_on_a_gpu_a_model_with_windows_takes_the_path_that_drops():
    assert fastest_decode(model_of("mistral").to("cuda")) is decode_dropping


@needs_gpu
def test_on_a_gpu_a_step_that_asks_for_a_value_is_not_recorded_and_runs_on():
    run_step, total = Recordings(), torch.zeros(1, device="cuda")

    def step():
        total.add_(1)
        total.item()

    with pytest.warns(UserWarning, match="without CUDA graphs"):
        run_step(step, "a")
    run_step(step, "a")
    assert total.item() == 2
