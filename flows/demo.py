"""`make demo`: the whole loop on the shipped sample, by the same commands that a team uses.

Ingest the samples, release what waits, retrain, promote what passed, ask the champion; then say what was done and what
it gave.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from flows.environment import find_root, prepare_environment
from flows.terminal import say
from flows.workspace import with_prefect

APPROVER = "demo-reviewer"
WHY = "a rehearsal: how does the loop do with a spammer in it?"
PROMPT = "Review the Luma Pro for students and mention the battery and the camera."


def main() -> None:
    """Run the loop; exit with the status of the first command that fails, 4 where a gate blocks the candidate."""
    root = find_root(Path.cwd())
    prepare_environment(root)
    started = time.monotonic()
    # One Prefect server for all commands, instead of one each.
    with with_prefect(root):
        _loop(root)
    _tell(root, time.monotonic() - started)


def _loop(root: Path) -> None:
    samples = sorted(str(path.relative_to(root)) for path in (root / "data/samples").iterdir())
    _rlhf("ingest", *samples)
    # One of the sample's annotators always clicks the first answer: the batch waits for a person to decide.
    for batch in _status()["batches"]:
        if batch["status"] == "held":
            _rlhf("feedback", "show", batch["batch"])
            _rlhf("feedback", "release", batch["batch"], "--why", WHY)
    _rlhf("retrain")
    candidate = _status()["candidate"]
    _rlhf("promote", str(candidate["version"]), "--approver", APPROVER)
    _rlhf("generate", PROMPT, "-n", "3")


def _rlhf(*arguments: str) -> None:
    shown = " ".join(f'"{word}"' if " " in word else word for word in arguments)
    say(f"\n$ rlhf {shown}", "bold")
    done = subprocess.run([sys.executable, "-m", "flows.cli", *arguments])
    if done.returncode:
        sys.exit(done.returncode)


def _status() -> dict[str, Any]:
    command = [sys.executable, "-m", "flows.cli", "status", "--json"]
    done = subprocess.run(command, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _tell(root: Path, seconds: float) -> None:
    from flows.report import how_to_open_mlflow

    metrics = json.loads((root / "reports/metrics.json").read_text(encoding="utf-8"))
    say("\nWhat happened", "bold")
    for line in figures(metrics):
        say(f"  {line}")
    say(f"  {seconds:.0f} s in all")
    say(f"  report: {root / 'reports/report.html'}")
    say(f"  MLflow: {how_to_open_mlflow(root)}")
    say("  the commands by hand: `. .venv/bin/activate`, then `rlhf --help`")


def figures(metrics: dict[str, Any]) -> list[str]:
    """The figures of one run, a line each."""
    reward, policy, dpo = metrics["reward_model"], metrics["policy"], metrics["dpo"]
    ceiling = _share(reward["bayes_accuracy"])
    return [
        f"reward model: right on {_share(reward['accuracy'])} of held-out pairs; knowing the truth would give "
        f"{ceiling}, preferring the longer answer {_share(reward['longer_wins_accuracy'])}",
        _wins("PPO", policy),
        _wins("DPO", dpo),
    ]


def _wins(name: str, section: dict[str, Any]) -> str:
    lower, upper = section["gold_win_rate_vs_sft_ci"] or (None, None)
    return (
        f"{name}: truly better than the supervised start on {_share(section['gold_win_rate_vs_sft'])} of prompts "
        f"[{_share(lower)}, {_share(upper)}], by the judge {_share(section['win_rate_vs_sft'])}, "
        f"{section['sequence_kl']:.1f} nats away"
    )


def _share(value: float | None) -> str:
    """Unknown where the feedback is not simulated: then nobody knows the truth."""
    return "unknown" if value is None else f"{value:.1%}"


if __name__ == "__main__":
    main()
