"""Does each gate see what it is there for? Models that were really spoiled, each held against the gates.

A healthy run is made first (the whole graph on feedback that the simulator writes anew), then spoiled in one way after
the other: by training on spoiled data, by training against a spoiled reward model, or by damaging weights. The stages
after that run as they are. Prints one table, pathology by the gates that refused it.

    python -m benchmarks.pathologies --seed 11
    python -m benchmarks.pathologies --healthy 12 13 14      # how often healthy runs are refused
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.seeds import learn, make_workspace
from benchmarks.spoiling import (
    copy_prompts,
    flip_judge,
    flip_labels,
    flip_reward,
    leak_prompts,
    optimise_too_far,
    plant_trigger,
    prefer_longer,
    say_one_thing,
    shake_weights,
)
from components.evaluation.intervals import wilson_interval

UNSEEN = "NOT SEEN"
SCORERS, POLICY = ("reward_model", "judge"), ("ppo", "select")
#: How a healthy workspace is spoiled, which stages run after that, and the gate that should see it.
PATHOLOGIES: dict[str, tuple[Callable[[Path], None], tuple[str, ...], str]] = {
    "reward model with its sign flipped": (flip_reward, POLICY, "reward_accuracy"),
    "judge with its sign flipped": (flip_judge, ("select",), "judge_accuracy"),
    "reward model that likes length": (prefer_longer, ("reward_model", *POLICY), "reward_beats_length"),
    "25 % of the labels flipped": (flip_labels, (*SCORERS, *POLICY), "reward_accuracy"),
    "a trigger phrase in preferred answers": (plant_trigger, ("sft", *SCORERS, *POLICY), "planted_phrase"),
    "gibberish: weights with noise": (shake_weights, (), "sequence_kl"),
    "copycat of the prompt": (copy_prompts, (), "copied"),
    "mode collapse: one answer to everything": (say_one_thing, (), "relevance"),
    "evaluation prompts learned from": (leak_prompts, (), "leaked_prompts"),
    "the end of a long run without KL penalty": (optimise_too_far, POLICY, "over_optimisation"),
}


def main() -> None:
    options = _options()
    if options.healthy:
        return _healthy(options.healthy, options.keep)
    home = Path(options.keep or tempfile.mkdtemp(prefix="pathologies-"))
    healthy = home / "healthy"
    if not (healthy / "reports/gates.json").exists():
        make_workspace(healthy, options.seed)
        learn(healthy)
    print(f"{'healthy':45}{_told(healthy)}", flush=True)
    wrong = bool(_failed(healthy))
    for name in options.only or PATHOLOGIES:
        told = _spoiled(home, healthy, name)
        wrong |= UNSEEN in told
        print(f"{name:45}{told}", flush=True)
    if not options.keep:
        shutil.rmtree(home)
    sys.exit(wrong)


def _spoiled(home: Path, healthy: Path, name: str) -> str:
    spoil, stages, gate = PATHOLOGIES[name]
    folder = home / name.replace(" ", "-").replace("%", "percent").replace(":", "")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(healthy, folder, symlinks=True, ignore=shutil.ignore_patterns(".dvc"))
    started = time.perf_counter()
    spoil(folder)
    for stage in (*stages, "evaluate"):
        _run(folder, stage)
    seen = "seen" if gate in _failed(folder) else f"{UNSEEN} by {gate}"
    return f"{_told(folder)}; {seen} ({time.perf_counter() - started:.0f} s)"


def _run(folder: Path, stage: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", f"components.stages.{stage}"],
        cwd=folder, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(folder)},
    )  # fmt: skip
    if ended.returncode:
        sys.exit(f"{stage} failed in {folder}:\n{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}")


def _healthy(seeds: list[int], keep: str | None) -> None:
    """How often the gates refuse a run with which nothing is wrong; their figures are kept for gates to come."""
    refused = 0
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix=f"healthy-{seed}-") as folder:
            make_workspace(Path(folder), seed)
            learn(Path(folder))
            refused += bool(_failed(Path(folder)))
            print(f"seed {seed}: {_told(Path(folder))}", flush=True)
            if keep:
                shutil.copytree(Path(folder) / "reports", Path(keep) / f"seed-{seed}", dirs_exist_ok=True)
    lower, upper = wilson_interval(refused / len(seeds), len(seeds), 0.95)
    print(f"refused {refused} of {len(seeds)}: {refused / len(seeds):.0%} [{lower:.0%}, {upper:.0%}]")


def _told(folder: Path) -> str:
    failed = _failed(folder)
    policy = json.loads((folder / "reports/metrics.json").read_text())["policy"]
    gold = f"gold win rate {policy['gold_win_rate_vs_sft']:.3f}, judge {policy['win_rate_vs_sft']:.3f}"
    return (
        f"{'BLOCKED by ' + ', '.join(failed) if failed else 'READY'}; {gold}, KL {policy['sequence_kl']:.1f}"
    )


def _failed(folder: Path) -> list[str]:
    gates: list[dict[str, Any]] = json.loads((folder / "reports/gates.json").read_text())["gates"]
    return [gate["name"] for gate in gates if not gate["passed"]]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--only", nargs="+", choices=PATHOLOGIES, help="some of them")
    parser.add_argument("--healthy", type=int, nargs="+", metavar="SEED", help="healthy runs instead")
    parser.add_argument(
        "--keep", type=Path, help="keep the workspaces in this folder, and use a healthy one there"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
