"""How the cost of a PPO iteration grows with the response's length, the batch, and the model's width and depth.

    python -m benchmarks.growth --precision bf16 --json growth.json

Beside seconds stand the arithmetic that is needed and the share of the machine's peak: where the share falls, something
grows faster than it must.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.measure import measure
from benchmarks.plan import OURS, ROLLOUTS, Contestant, Group
from benchmarks.processes import make_models, run_module
from benchmarks.shapes import SHAPES, Shape
from benchmarks.summary import summarise

#: All vary around this one.
BASE = SHAPES["tiny"]
RESPONSE_TOKENS = (24, 48, 96, 192)
BATCHES = (16, 32, 64, 128)
WIDTHS = (64, 128, 256, 512)
LAYERS = (2, 4, 8, 16)


def main() -> None:
    options = _options()
    peak: dict[str, float] = json.loads(run_module("benchmarks.peak"))
    contestant = Contestant(OURS, options.precision, "shared_trunk" if options.shared_trunk else "")
    rows = []
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        for name, shape, rollouts in variants():
            group = Group("ppo", shape, (contestant,), rollouts, rollouts, options.repeats)
            rows.append({**_measured(group, make_models(shape, Path(folder)), peak), "name": name})
            print(line(rows[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps({"matmul_flops": peak, "rows": rows}, indent=2) + "\n")


def variants() -> Iterator[tuple[str, Shape, int]]:
    """What is varied, as a name, a shape and rollouts an iteration; one thing at a time."""
    for tokens in RESPONSE_TOKENS:
        yield _variant(f"{tokens} response tokens", response_tokens=tokens)
    for rollouts in BATCHES:
        yield f"{rollouts} rollouts", BASE, rollouts
    for width in WIDTHS:
        yield _variant(f"width {width}", width=width, inner=4 * width)
    for layers in LAYERS:
        yield _variant(f"{layers} layers", layers=layers)


def _variant(name: str, **changed: int) -> tuple[str, Shape, int]:
    return name, replace(BASE, name=name, **changed), ROLLOUTS


def _measured(group: Group, models: Path, peak: dict[str, float]) -> dict[str, Any]:
    measured = measure(group, models)
    [row] = summarise(measured, peak)
    [laps] = measured["laps"].values()
    return {
        **row,
        "contestant": row["name"],
        "gigaflops": fmean(lap["flops"] for lap in laps) / 1e9,
    }


def line(row: dict[str, Any]) -> str:
    phases = ", ".join(f"{phase} {seconds:.3g}" for phase, seconds in row["phases"].items())
    return (
        f"{row['name']:>20}: {row['seconds']:8.3g} s ({phases}), {row['gigaflops']:8.1f} GFLOP needed, "
        f"{row['peak_share']:6.1%} of the peak, {row['peak_bytes'] / 1e6:6.0f} MB"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument(
        "--shared-trunk", action="store_true", help="the critic as a head on the policy's trunk"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
