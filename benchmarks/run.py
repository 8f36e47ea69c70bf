"""Our training core beside TRL: the same models, data, token counts and updates, taking turns on one machine.

    python -m benchmarks.run                          # the tiny model, about five minutes
    python -m benchmarks.run --full --json out.json   # the small model too, more laps and settings
    python -m benchmarks.run --only ppo --shape small

TRL runs in benchmarks/.trl-venv, which is made on the first call. A lap is one PPO iteration, one training over the
same rows, or one call of sampling. Nothing is downloaded while it runs, nothing is logged, evaluated or saved.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import trl_venv
from benchmarks.measure import measure
from benchmarks.plan import JOBS, Group, make_plan, resized
from benchmarks.processes import make_models, run_module
from benchmarks.shapes import SHAPES
from benchmarks.summary import summarise
from benchmarks.table import render


def main() -> None:
    options = _options()
    trl_venv.ensure()
    started = time.perf_counter()
    peak: dict[str, float] = json.loads(run_module("benchmarks.peak"))
    print(f"{os.cpu_count()} cores; matrix products at {_teraflops(peak)}\n", flush=True)
    groups = [resized(group, options.rows, options.repeats) for group in _plan(options)]
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        results = [run(group, Path(folder), peak) for group in groups]
    print(f"{time.perf_counter() - started:.0f} s in all")
    if options.json:
        machine = {"machine": platform.machine(), "cores": os.cpu_count(), "matmul_flops": peak}
        options.json.write_text(json.dumps({**machine, "results": results}, indent=2) + "\n")


def run(group: Group, folder: Path, peak: dict[str, float]) -> dict[str, Any]:
    """Measure a group and print its table."""
    measured = measure(group, make_models(group.shape, folder))
    rows = summarise(measured, peak)
    print(render(group.job, group.shape.name, rows), flush=True)
    return {**measured, "summary": rows}


def _plan(options: argparse.Namespace) -> list[Group]:
    shapes = [options.shape] if options.shape else list(SHAPES) if options.full else ["tiny"]
    return make_plan(options.full, options.only, shapes)


def _teraflops(peak: dict[str, float]) -> str:
    return ", ".join(f"{flops / 1e12:.3f} TFLOP/s in {name}" for name, flops in peak.items())


def _jobs(text: str) -> list[str]:
    jobs = text.split(",")
    unknown = set(jobs) - set(JOBS)
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no such job: {', '.join(sorted(unknown))}; there are {', '.join(JOBS)}"
        )
    return jobs


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(full=False)
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", dest="full", action="store_false", help="the tiny model alone (default)")
    extent.add_argument("--full", action="store_true", help="all models, more laps, more of TRL's settings")
    parser.add_argument("--only", type=_jobs, default=list(JOBS), help="comma-separated jobs")
    parser.add_argument("--shape", choices=SHAPES, help="one model alone")
    parser.add_argument("--repeats", type=int, help="laps that are counted")
    parser.add_argument(
        "--rows", type=int, help="pairs, demonstrations or rollouts of a lap; a multiple of 16"
    )
    parser.add_argument("--json", type=Path, help="also write every lap to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
