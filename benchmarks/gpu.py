"""Our core on a GPU: decoding beside transformers' own, PPO's updates against the matmul peak, one PPO iteration.

    python -m benchmarks.gpu                                    # a GPT-2 of 124M and a Llama of 1.1B weights, bf16
    python -m benchmarks.gpu --shape llama-1b --json gpu.json
    python -m benchmarks.gpu --device cpu --shape toy           # tries the harness, in seconds, without a GPU

Needs torch and transformers and nothing else: random weights are made on the spot, and nothing is downloaded.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import __version__ as transformers_version
from transformers.utils import logging

from benchmarks.gpu_decode import BASE, measure_decoding, tokens_agree
from benchmarks.gpu_ppo import PHASES, measure_ppo
from benchmarks.gpu_setting import SETTINGS, TOY, Place, Setting
from benchmarks.table import aligned

#: Seconds given to each size of matrix products.
SPAN = 1.0


def main() -> None:
    options = _options()
    _refuse(options)
    logging.set_verbosity_error()
    place = Place(torch.device(options.device))
    results = [measure(SETTINGS[name], place, options.repeats) for name in options.shape]
    if options.json:
        options.json.write_text(json.dumps({**_machine(place), "results": results}, indent=2) + "\n")


def measure(setting: Setting, place: Place, repeats: int) -> dict[str, Any]:
    """Everything about one shape, printed as it is known."""
    peak = matmul_peak(place, setting.matmul_sizes)
    print(_title(setting, place, peak), flush=True)
    decoding = measure_decoding(setting, place, repeats)
    print("\n".join(aligned(_decoding_table(decoding))), flush=True)
    agree = tokens_agree(setting, place) if place.is_gpu else None
    if agree is not None:
        print(f"recorded steps sample what plain steps do: {'yes' if agree else 'NO'}")
    _forget(place)
    ppo = measure_ppo(setting, place, repeats, peak)
    print(_ppo_lines(ppo), flush=True)
    _forget(place)
    return {
        "shape": asdict(setting.shape),
        "rollouts": setting.rollouts,
        "matmul_flops": peak,
        "decoding": decoding,
        "recorded_tokens_agree": agree,
        "ppo": ppo,
    }


def matmul_peak(place: Place, sizes: tuple[int, ...]) -> float:
    """FLOP/s of the fastest square products in the dtype that models compute in."""
    return max(_product(place, size) for size in sizes)


def _product(place: Place, size: int) -> float:
    left, right = (torch.randn(size, size, device=place.device).to(place.dtype) for _ in range(2))
    out = left @ right
    place.finish()
    fastest, ends = float("inf"), time.perf_counter() + SPAN
    while time.perf_counter() < ends:
        started = time.perf_counter()
        torch.mm(left, right, out=out)
        place.finish()
        fastest = min(fastest, time.perf_counter() - started)
    return 2.0 * size**3 / fastest


def _forget(place: Place) -> None:
    """Give back what the last measurement held: its models, and what was compiled for them."""
    if place.is_gpu:
        torch.compiler.reset()
    gc.collect()
    if place.is_gpu:
        torch.cuda.empty_cache()


def _machine(place: Place) -> dict[str, Any]:
    return {
        "device": place.name,
        "dtype": str(place.dtype),
        "torch": torch.__version__,
        "transformers": transformers_version,
    }


def _title(setting: Setting, place: Place, peak: float) -> str:
    fewest, most = setting.prompt_tokens
    return (
        f"\n{setting.shape.name} on {place.name} in {place.dtype}, matrix products at {peak / 1e12:.3g} TFLOP/s; "
        f"{setting.rollouts} prompts of {fewest} to {most} tokens, responses of up to {setting.shape.response_tokens}\n"
    )


def _decoding_table(rows: list[dict[str, Any]]) -> list[list[str]]:
    base = next(row["tokens_per_second"] for row in rows if row["name"] == BASE)
    return [["decoding", "tokens/s", "(range)", "x generate"], *(_cells(row, base) for row in rows)]


def _cells(row: dict[str, Any], base: float | None) -> list[str]:
    if row["refused"]:
        return [row["name"], "-", f"(refused: {row['refused']})", "-"]
    rate = row["tokens_per_second"]
    return [
        row["name"],
        f"{rate:.0f}",
        f"({row['slowest']:.0f}-{row['fastest']:.0f})",
        f"{rate / base:.2f}" if base else "-",
    ]


def _ppo_lines(ppo: dict[str, Any]) -> str:
    phases = ", ".join(f"{name} {ppo['phases'][name]:.3g} s" for name in PHASES)
    return (
        f"\nPPO iteration: {ppo['seconds']:.3g} s ({phases}); {ppo['generating_share']:.0%} of it generating\n"
        f"its updates: {ppo['update_tokens_per_second']:.0f} tokens/s through policy and critic, "
        f"{ppo['update_peak_share']:.1%} of the matmul peak"
    )


def _refuse(options: argparse.Namespace) -> None:
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit(
            "there is no CUDA device here; `python -m benchmarks.gpu --device cpu --shape toy` tries the harness"
        )
    if options.device == "cpu" and options.shape != [TOY]:
        sys.exit("on a CPU only --shape toy is measured: the other shapes would take hours")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    real = [name for name in SETTINGS if name != TOY]
    parser.add_argument(
        "--shape", choices=SETTINGS, nargs="+", default=real, help=f"default: {' '.join(real)}"
    )
    parser.add_argument("--repeats", type=int, default=5, help="laps and iterations that are counted")
    parser.add_argument("--json", type=Path, help="also write every lap to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
