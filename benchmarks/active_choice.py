"""Do labels chosen as `rlhf next-batch` chooses them teach more than labels at random?

A pool of simulated pairs without labels, some of them labelled at random to start with; then rounds of labels, each
chosen with the reward model that learned from all labels so far:

- random: as the random share of a batch;
- near tie: the smallest margins, whatever else is known of them;
- chosen: by the function that the command calls, with `choose.random_share` of params.yaml;
- chosen, none random: the same with a share of 0.

A label is one simulated annotator's (one in seventeen is a spammer's); all ways to choose find the same label on a
pair. Accuracy is measured on pairs of other prompts, against the true utility. Differences are paired by seed, with
Student's 95 % interval over the seeds; the labels needed are read off the mean curves, with a bootstrap over seeds.

    python -m benchmarks.active_choice --seeds 1 2 3 4 5 --json choice.json --plot choice.png
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from transformers.utils import logging

from benchmarks.active_figures import draw_curves, render
from benchmarks.active_world import World, accuracy, learn, make_world, write_trunk
from components.choosing.belief import Belief, believe
from components.choosing.choice import choose, draw
from components.config import load_params
from components.training.scoring import Scorer

ROOT = Path(__file__).parents[1]
SHARE = load_params(ROOT / "params.yaml").choose.random_share
#: From the belief in the unlabelled pairs, their prompts, a count and a seed to the places of those to label.
Choose = Callable[[Belief, Sequence[str], int, int], list[int]]
WAYS: dict[str, Choose] = {
    "random": lambda belief, prompts, count, seed: draw(prompts, count, seed),
    "near tie": lambda belief, prompts, count, seed: belief.mean.abs().argsort()[:count].tolist(),
    "chosen": lambda belief, prompts, count, seed: _chosen(belief, prompts, count, SHARE, seed),
    "chosen, none random": lambda belief, prompts, count, seed: _chosen(belief, prompts, count, 0.0, seed),
}


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    started = time.perf_counter()
    labels = [options.start + number * options.step for number in range(options.rounds + 1)]
    with tempfile.TemporaryDirectory(prefix="active-choice-") as folder:
        trunk = options.trunk or Path(folder) / "trunk"
        if not trunk.exists():
            write_trunk(trunk, options.demonstrations)
        curves = measure(trunk, labels, options)
    print(render(labels, curves), f"{time.perf_counter() - started:.0f} s", sep="\n")
    if options.json:
        options.json.write_text(
            json.dumps({"labels": labels, "seeds": options.seeds, "curves": curves}) + "\n"
        )
    if options.plot:
        draw_curves(options.plot, labels, curves)


def measure(trunk: Path, labels: Sequence[int], options: argparse.Namespace) -> dict[str, list[list[float]]]:
    """The curves of all seeds by way, told as they come."""
    curves: dict[str, list[list[float]]] = {way: [] for way in options.ways}
    for seed in options.seeds:
        world = make_world(seed, options.prompts, options.held_out)
        for way, curve in run(trunk, world, labels, options, seed).items():
            curves[way].append(curve)
            print(f"seed {seed}, {way}: {' '.join(f'{value:.3f}' for value in curve)}", flush=True)
    return curves


def run(
    trunk: Path, world: World, labels: Sequence[int], options: argparse.Namespace, seed: int
) -> dict[str, list[float]]:
    """One seed's accuracies after each number of labels, by way; all start with the same labels and models."""
    prompts = [pair.prompt for pair in world.pool]
    start = draw(prompts, labels[0], seed)
    first = learn(trunk, [world.labels[place] for place in start], seed, options.members)
    curves = {}
    for way in options.ways:
        known, scorer = list(start), first
        curves[way] = [accuracy(first, world)]
        for number, count in enumerate(labels[1:], start=1):
            known += next_places(way, world, scorer, known, count - len(known), 1000 * seed + number)
            scorer = learn(trunk, [world.labels[place] for place in known], seed, options.members)
            curves[way].append(accuracy(scorer, world))
    return curves


def next_places(
    way: str, world: World, scorer: Scorer, known: Sequence[int], count: int, seed: int
) -> list[int]:
    """Places in the pool of the pairs to label next."""
    taken = set(known)
    left = [place for place in range(len(world.pool)) if place not in taken]
    pairs = [world.pool[place] for place in left]
    if way == "random":
        belief = Belief(torch.zeros(len(left)), torch.zeros(0, len(left)))
    else:
        belief = believe(scorer, [world.labels[place] for place in known], pairs)
    return [left[place] for place in WAYS[way](belief, [pair.prompt for pair in pairs], count, seed)]


def _chosen(belief: Belief, prompts: Sequence[str], count: int, share: float, seed: int) -> list[int]:
    return [pick.place for pick in choose(belief, prompts, count, share, seed)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument(
        "--members", type=int, default=1, help="of the reward model: an ensemble where above 1"
    )
    parser.add_argument("--start", type=int, default=100, help="labels at random before the first round")
    parser.add_argument("--step", type=int, default=50, help="labels a round")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--prompts", type=int, default=400, help="of the pool: six pairs each")
    parser.add_argument("--held-out", type=int, default=2000, help="pairs that accuracy is measured on")
    parser.add_argument(
        "--demonstrations", type=int, default=1500, help="that the models' trunk learned from"
    )
    parser.add_argument("--trunk", type=Path, help="keep it in this folder, or take the one that is there")
    parser.add_argument("--json", type=Path, help="also write every curve")
    parser.add_argument("--plot", type=Path, help="also draw the mean curves: .png or .svg")
    return parser.parse_args()


if __name__ == "__main__":
    main()
