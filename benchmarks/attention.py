"""Which attention is faster over tables of short sequences: torch's fused kernel or plain matrix products.

    python -m benchmarks.attention

Prints milliseconds of forward and of forward with backward, the least of several, in float32 and bfloat16.
components/modeling/dense_attention.py takes its choice from this.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from components.modeling import dense_attention

#: Sequences, heads, width of a head, tokens of the longest.
SHAPES = ((16, 4, 32, 60), (64, 4, 32, 60), (16, 6, 64, 90), (64, 6, 64, 90), (16, 6, 64, 200))
LAPS = 12


def main() -> None:
    print(f"{'shape':>20} {'precision':>10} {'kernel':>8} {'forward':>9} {'+backward':>10}")
    for shape in SHAPES:
        for dtype in (torch.float32, torch.bfloat16):
            for kernel, faster in (("fused", False), ("matmul", True)):
                forward, both = _measure(shape, dtype, faster)
                name = str(dtype).removeprefix("torch.")
                print(f"{shape!s:>20} {name:>10} {kernel:>8} {forward:9.2f} {both:10.2f}")


def _measure(shape: tuple[int, int, int, int], dtype: torch.dtype, by_matmul: bool) -> tuple[float, float]:
    batch, heads, width, length = shape
    query, key, value = (
        torch.randn(batch, heads, length, width, dtype=dtype, requires_grad=True) for _ in range(3)
    )
    choice = dense_attention.matmul_is_faster
    dense_attention.matmul_is_faster = lambda *_: by_matmul

    def forward() -> Tensor:
        return dense_attention.attend(query, key, value, None, None)

    def both() -> None:
        output = forward()
        torch.autograd.grad(output, (query, key, value), torch.ones_like(output))

    try:
        return _least(forward), _least(both)
    finally:
        dense_attention.matmul_is_faster = choice


def _least(work: Callable[[], object]) -> float:
    """The least milliseconds of some laps."""
    laps = []
    for _ in range(LAPS):
        started = time.perf_counter()
        work()
        laps.append(time.perf_counter() - started)
    return 1000 * min(laps)


if __name__ == "__main__":
    main()
