"""Does the loop close? Generate, judge, ingest, retrain, promote, round after round, on simulated people.

The first model learns from some feedback about texts of the simulator's grammar. Then each round asks about answers
of the models at hand (`rlhf next-batch`), simulated people judge them, and what they said makes the next champion. All
is done by the `rlhf` command in a project of its own, with lenient gates: of so few held-out pairs little is sure. At
the end every champion answers prompts that no feedback is about, and the simulator's true utility says how often its
answer is better than the first champion's, with 95 % intervals over prompts.

    python -m benchmarks.closed_loop --plot rounds.png      # about twenty minutes on two cores
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.quarter.project import LENIENT, SMALL, copy_project
from benchmarks.quarter.team import REVIEWER, Team
from components.evaluation.win_rate import WinRate, win_rate
from components.feedback.simulator import write_feedback
from components.feedback.simulator.grammar import write_requests
from components.feedback.simulator.judging import judge_pairs
from components.feedback.simulator.utility import gold_utility
from components.feedback.store import read_accepted
from components.files import write_bytes
from components.modeling.generation import generate_responses
from components.tracking.loading import load_version
from components.tracking.tracker import connect

#: Of the first model: judgements of texts by the grammar, demonstrations, and about how many prompts they are.
FIRST = {"pairs": 1500, "demonstrations": 500, "prompts": 1200}
PAIRS_A_ROUND = 800
#: What people preferred of the last champion's answers is shown to the next one, too: each round begins where the one
#: before it got. The rest is for speed and looks at models less closely than a reviewer would.
CHANGES: dict[str, dict[str, Any]] = {
    "prepare": {"chosen_as_demonstrations": "always"},
    "judge": {"ensemble": 1},
    "select": SMALL["select"],
    "evaluate": SMALL["evaluate"],
    "gates": LENIENT,
}
#: Held-out prompts at the end, and answers of each champion to each.
PROMPTS, ANSWERS = 300, 4


@dataclass(frozen=True)
class Champion:
    """A model that came into production. Attributes: judgements: pairs that were judged up to it; folder: a copy."""

    version: str
    judgements: int
    accuracy: float
    folder: Path


def main() -> None:
    options = _options()
    home = Path(tempfile.mkdtemp(prefix="closed-loop-")).resolve()
    team = Team(home / "project")
    copy_project(team.root, CHANGES)
    champions = [_first(team, home, options.seed)]
    for number in range(1, options.rounds + 1):
        champions.append(_round(team, home, champions[-1], number, options))
    found = win_rates(champions, _unseen(team.root, options.seed), options.seed)
    print(_table(champions, found))
    if options.plot:
        _draw(options.plot, found)
    shutil.rmtree(home)
    sys.exit(not grows(found))


def _first(team: Team, home: Path, seed: int) -> Champion:
    none = {"ratings": 0, "thumbs": 0, "rankings": 0, "edits": 0}
    return _learn(team, home, write_feedback(home / "first", seed, **FIRST, **none), FIRST["pairs"], 0)


def _round(team: Team, home: Path, before: Champion, number: int, options: argparse.Namespace) -> Champion:
    """What the models at hand answer is judged, and makes the next champion."""
    asked = home / f"round-{number}.jsonl"
    team.rlhf("next-batch", str(asked), "-n", str(options.pairs), "--seed", str(options.seed + number))
    pairs = [json.loads(line) for line in asked.read_text(encoding="utf-8").splitlines()]
    judged = judge_pairs(
        ((pair["prompt"], pair["response_a"], pair["response_b"]) for pair in pairs), options.seed + number
    )
    said = home / f"judged-{number}.jsonl"
    write_bytes(said, "".join(json.dumps(row) + "\n" for row in judged).encode())
    return _learn(team, home, [said], before.judgements + len(judged), number)


def _learn(team: Team, home: Path, files: Sequence[Path], judgements: int, number: int) -> Champion:
    """Ingest, retrain and promote; a batch that waits (for its spammer, as simulated people have one) is released."""
    team.rlhf("ingest", *map(str, files))
    for batch in team.ask("status")["batches"]:
        if batch["status"] == "held":
            team.rlhf(
                "feedback", "release", batch["batch"], "--why", "one of the simulated people is a spammer"
            )
    team.rlhf("retrain")
    candidate = team.ask("status")["candidate"]["version"]
    team.rlhf("promote", candidate, "--approver", REVIEWER)
    folder = home / f"champion-{number}"
    shutil.copytree(load_version(connect(team.root), "champion").folder, folder)
    metrics = json.loads((team.root / "reports/metrics.json").read_text(encoding="utf-8"))
    champion = Champion(candidate, judgements, metrics["reward_model"]["accuracy"], folder)
    print(f"round {number}: {judgements} judgements, candidate {candidate} promoted", flush=True)
    return champion


def _unseen(root: Path, seed: int) -> list[str]:
    """Prompts that no feedback is about."""
    known = set(read_accepted(root / "data/feedback")["prompt"])
    drawn = [request.text for request in write_requests(random.Random(f"{seed} unseen"), 5 * PROMPTS)]
    return [prompt for prompt in drawn if prompt not in known][:PROMPTS]


def win_rates(champions: Sequence[Champion], prompts: Sequence[str], seed: int) -> list[WinRate]:
    """Of each champion after the first, over the first, by the simulator's true utility."""
    scores = [_utilities(champion.folder, prompts, seed + at) for at, champion in enumerate(champions)]
    return [win_rate(each, scores[0]) for each in scores[1:]]


def _utilities(folder: Path, prompts: Sequence[str], seed: int) -> list[list[float]]:
    """[prompts, answers]"""
    answers = generate_responses(folder, prompts, ANSWERS, 1.0, seed)
    return [
        [gold_utility(prompt, text) for text in texts] for prompt, texts in zip(prompts, answers, strict=True)
    ]


def grows(found: Sequence[WinRate]) -> bool:
    """Whether each round wins more than the one before, and the first more than half."""
    values = [0.5, *(each.value for each in found)]
    return all(before < after for before, after in itertools.pairwise(values))


def _table(champions: Sequence[Champion], found: Sequence[WinRate]) -> str:
    lines = ["| round | judgements | reward model | gold win rate over the first |", "|---|---|---|---|"]
    shown: list[WinRate | None] = [None, *found]
    for number, (champion, won) in enumerate(zip(champions, shown, strict=True)):
        rate = "–" if won is None else f"{won.value:.1%} [{won.lower:.1%}, {won.upper:.1%}]"
        lines.append(f"| {number} | {champion.judgements} | {champion.accuracy:.1%} | {rate} |")
    return "\n".join(lines)


def _draw(path: Path, found: Sequence[WinRate]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot()
    rounds, values = range(len(found) + 1), [0.5, *(each.value for each in found)]
    axes.plot(rounds, values, marker="o")
    axes.vlines(rounds[1:], [each.lower for each in found], [each.upper for each in found])
    axes.set_xticks(rounds)
    axes.set_xlabel("round")
    axes.set_ylabel("gold win rate over the first model")
    axes.grid(alpha=0.3)
    figure.savefig(path)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=PAIRS_A_ROUND, help="judged in each round")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the win rates there (.png)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
