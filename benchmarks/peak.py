"""The fastest matrix products this machine makes, in FLOP/s: `python -m benchmarks.peak` prints them as JSON."""

from __future__ import annotations

import json
import time

import torch

SIZES = (1024, 2048, 4096)
#: Seconds given to each size and precision.
SPAN = 1.0


def main() -> None:
    torch.set_grad_enabled(False)
    print(json.dumps({"fp32": measure(torch.float32), "bf16": measure(torch.bfloat16)}))


def measure(dtype: torch.dtype) -> float:
    """The best of square products of several sizes, each repeated for a while."""
    return max(_product(size, dtype) for size in SIZES)


def _product(size: int, dtype: torch.dtype) -> float:
    left, right = (torch.randn(size, size).to(dtype) for _ in range(2))
    out = left @ right
    fastest, ends = float("inf"), time.perf_counter() + SPAN
    while time.perf_counter() < ends:
        started = time.perf_counter()
        torch.mm(left, right, out=out)
        fastest = min(fastest, time.perf_counter() - started)
    return 2.0 * size**3 / fastest


if __name__ == "__main__":
    main()
