"""Does what is faster also learn as well? Reward against seconds, PPO on the tiny model, everybody in turn.

    python -m benchmarks.curves --iterations 40 --json curves.json

The score is the reward model's mean over the responses that ended by themselves, in standard deviations of random
texts. Seconds are those of the contestant's own iterations, so that the others' turns do not count.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from itertools import accumulate
from pathlib import Path
from typing import Any

from benchmarks import trl_venv
from benchmarks.measure import measure
from benchmarks.plan import make_plan, resized
from benchmarks.processes import make_models
from benchmarks.shapes import SHAPES

LEARNING_RATE = 3e-4
#: Scores are means over this many iterations, up to the one they are shown for.
SMOOTHED = 5
#: Lines of the table.
LINES = 10

#: (seconds so far, score) after each iteration.
Curve = list[tuple[float, float]]


def main() -> None:
    options = _options()
    trl_venv.ensure()
    [group] = make_plan(False, ["ppo"], [options.shape])
    group = resized(group, rows=None, repeats=options.iterations)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        measured = measure(group, make_models(group.shape, Path(folder)), LEARNING_RATE)
    curves = {name: curve_of(laps) for name, laps in measured["laps"].items()}
    print(render(curves))
    if options.json:
        options.json.write_text(json.dumps({**measured, "curves": curves}, indent=2) + "\n")


def curve_of(laps: list[dict[str, Any]]) -> Curve:
    """Scores smoothed over the last iterations, against the seconds that all up to them took."""
    scores = [lap["figures"]["score"] for lap in laps]
    seconds = accumulate(lap["seconds"] for lap in laps)
    windows = [scores[max(0, end - SMOOTHED) : end] for end in range(1, len(scores) + 1)]
    return [(spent, sum(window) / len(window)) for spent, window in zip(seconds, windows, strict=True)]


def seconds_to(curve: Curve, score: float) -> float | None:
    """When the curve first reaches a score; None where it never does."""
    return next((spent for spent, reached in curve if reached >= score), None)


def render(curves: dict[str, Curve]) -> str:
    """Each curve at some iterations, and when it reached what the slowest learner ended with."""
    reached = min(curve[-1][1] for curve in curves.values())
    lines = [f"score after so many iterations (mean of {SMOOTHED}), at so many seconds"]
    for name, curve in curves.items():
        step = max(1, len(curve) // LINES)
        points = [f"{score:.2f} at {spent:.0f} s" for spent, score in curve[step - 1 :: step]]
        first = seconds_to(curve, reached)
        arrived = "never" if first is None else f"after {first:.1f} s"
        lines.append(f"{name}: {', '.join(points)}; reached {reached:.2f} {arrived}")
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=SHAPES, default="tiny")
    parser.add_argument("--iterations", type=int, default=40)
    parser.add_argument("--json", type=Path, help="also write every iteration to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
