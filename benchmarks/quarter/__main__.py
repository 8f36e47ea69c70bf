"""A simulated quarter: twelve weekly batches, schedule and events, a reviewer; then everything is held together.

Time is compressed: a week lasts until all it started is done. Rows are dated in the twelve weeks before today. The
feedback is simulated, the model small, its gates lenient; servers, processes, commands, files and registry are real.

    python -m benchmarks.quarter                     # prints what happened; exit status 1 where records disagree
    python -m benchmarks.quarter --weeks 3 --keep FOLDER
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.quarter.agreement import bytes_in, disagreements, failed_runs, left_behind
from benchmarks.quarter.life import Life
from benchmarks.quarter.project import make_project
from benchmarks.quarter.team import Team
from benchmarks.quarter.weeks import QUARTER


def main() -> None:
    options = _options()
    home = Path(options.keep or tempfile.mkdtemp(prefix="quarter-")).resolve()
    root, started = home / "project", time.monotonic()
    make_project(root)
    life = Life(Team(root), home / "files", options.seed)
    life.team.start()
    try:
        for number, week in enumerate(QUARTER[: options.weeks], start=1):
            print(f"week {number:2}: {life.live(number, week)}", flush=True)
        wrong = _account(life)
    finally:
        life.team.rlhf("down")
    wrong |= _processes(root)
    print(f"runs that failed or crashed: {'; '.join(failed_runs(root)) or 'none'}")
    print(f"{options.weeks} weeks in {(time.monotonic() - started) / 60:.0f} minutes")
    if not options.keep:
        shutil.rmtree(home)
    sys.exit(wrong)


def _account(life: Life) -> bool:
    """Before and after `rlhf clean`: do all records agree?"""
    wrong = _report("before cleaning", life)
    before = bytes_in(life.team.root)
    life.team.rlhf("clean", "--yes")
    wrong |= _report("after cleaning", life)
    left = life.team.ask("clean")["items"]
    print(
        f"disk: {before / 1e6:.0f} MB, after cleaning {bytes_in(life.team.root) / 1e6:.0f} MB, {len(left)} more may go"
    )
    return wrong | bool(left)


def _report(when: str, life: Life) -> bool:
    found = disagreements(life.team, life.ledger)
    for name, said in found.items():
        print(f"{when}, {name}: {'; '.join(said) or 'agrees'}", flush=True)
    return any(found.values())


def _processes(root: Path) -> bool:
    left = left_behind(root)
    print(f"processes left: {'; '.join(left) or 'none'}")
    return bool(left)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weeks", type=int, default=len(QUARTER))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="keep the project in this folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
