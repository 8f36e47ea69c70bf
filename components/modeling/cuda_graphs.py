"""Steps recorded once and played again: hundreds of kernels in one launch (CUDA graphs).

A recording is bound to the memory it was made on. It lives as long as the tensors of one call of sampling, so that no
later change of the weights' place can make it stale.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from transformers import PreTrainedModel

from components.modeling.decoding import has_windows
from components.modeling.packing import Packed
from components.modeling.static_decoding import decode_static
from components.modeling.turns import Turns


def can_be_recorded(model: PreTrainedModel) -> bool:
    """Whether a step of the model launches the same kernels every time, on a device that can record them.

    A window counts back from the newest slot, which moves. transformers marks the models whose forward pass does not
    hang on values that the host would have to ask for.
    """
    return model.device.type == "cuda" and model._can_compile_fullgraph and not has_windows(model)


def decode_recorded(model: PreTrainedModel, prompts: Packed, turns: Turns) -> None:
    """Decode by recorded steps; see `can_be_recorded`."""
    decode_static(model, prompts, turns, Recordings())


class Recordings:
    """A recording for each shape of a step.

    The first step of a shape runs as it is, which also sets up what kernels set up when they are first called; then
    it is recorded, without running; from the second on it is played. Where that fails, steps run as they are.
    """

    def __init__(self) -> None:
        self._graphs: dict[Hashable, torch.cuda.CUDAGraph] = {}
        self._failed = False

    def __call__(self, step: Callable[[], None], shape: Hashable) -> None:
        if shape in self._graphs:
            self._graphs[shape].replay()
        elif self._failed:
            step()
        else:
            with _beside(), _indifferent_to_order():
                step()
                self._record(step, shape)

    def _record(self, step: Callable[[], None], shape: Hashable) -> None:
        graph = torch.cuda.CUDAGraph()
        try:
            with _recording(graph):
                step()
        except RuntimeError as error:
            self._failed = True
            warnings.warn(f"decoding goes on without CUDA graphs: {error}", stacklevel=2)
        else:
            self._graphs[shape] = graph


@contextmanager
def _recording(graph: torch.cuda.CUDAGraph) -> Iterator[None]:
    """As `torch.cuda.graph`, which however empties the allocator's cache each time, for the training to fill again."""
    pool: Any = _memory(torch.cuda.current_device()).id
    graph.capture_begin(pool=pool, capture_error_mode="thread_local")
    try:
        yield
    finally:
        graph.capture_end()


@contextmanager
def _beside() -> Iterator[None]:
    """On a stream of its own: the usual one cannot be recorded."""
    main, side = torch.cuda.current_stream(), _side_stream(torch.cuda.current_device())
    side.wait_stream(main)
    with torch.cuda.stream(side):
        yield
    main.wait_stream(side)


@cache
def _side_stream(device: int) -> torch.cuda.Stream:
    """One for all recordings: cuBLAS keeps a workspace for every stream it has seen."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


@cache
def _memory(device: int) -> torch.cuda.MemPool:
    """What recorded steps compute in. One for all: they play one after another, and leave nothing there to be read."""
    with torch.cuda.device(device):
        return torch.cuda.MemPool()


@contextmanager
def _indifferent_to_order() -> Iterator[None]:
    """Without torch's repeatable kernels, whose writes at indices sort them first and cannot be recorded.

    A step writes each place once, so its result hangs on no order.
    """
    asked = torch.are_deterministic_algorithms_enabled()
    only_warns = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(asked, warn_only=only_warns)
