"""The whole loop in a folder, as `rlhf` drives it, and what must be true of it after a fault."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.fault_injection.commands import Command
from benchmarks.fault_injection.outcome import Outcome
from benchmarks.fault_injection.project import all_digests, leftovers
from benchmarks.fault_injection.servers import Server
from benchmarks.fault_injection.small_project import ROOT, change_params
from benchmarks.fault_injection.stages import Bench
from components.feedback import store

#: The candidate of so small a project is blocked by its gates: a retraining that did all its work ends with 4.
DONE = (0, 4)
LONGEST_S = 900.0
#: Reruns two of eight stages: the others are up to date.
CHANGE: dict[str, Any] = {"dpo": {"beta": 0.31}}


#: Retrainings bear the folder in a tag, ingestions in their parameters.
_RUNS = """
    select flow_run.name, flow_run.state_type, flow_run_state.message from flow_run
    left join flow_run_state on flow_run_state.id = flow_run.state_id
    where flow_run.tags || flow_run.parameters like ?
"""


@dataclass(frozen=True)
class Loop:
    """A project in which everything is up to date and registered, and what it becomes after CHANGE.

    Attributes:
        done: before the change; changed: after it, undisturbed; seconds: that the retraining between them took.
        prefect: a server that runs all the time; commands that ask for none start their own.
    """

    done: Path
    changed: Path
    seconds: float
    prefect: Server

    def rlhf(self, folder: Path, **variables: str) -> Command:
        """The command in a fresh project, at the server that runs."""
        return Command(self.fresh(folder), **{"PREFECT_API_URL": f"{self.prefect.url}/api"} | variables)

    def fresh(self, folder: Path) -> Path:
        """A copy of the project with a change that two stages must run for."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.done, folder, symlinks=True)
        change_params(folder, CHANGE)
        return folder


def make_loop(bench: Bench, home: Path, prefect: Server) -> Loop:
    """From the stages' undisturbed run: everything under DVC, and one retraining that registers it."""
    done, changed = home / "done", home / "changed"
    shutil.copytree(bench.whole, done)
    for words in (["add", "data/feedback"], ["commit", "--force"]):
        _dvc(done, *words)
    _finished(Command(done)("retrain", seconds=LONGEST_S))
    loop = Loop(done, changed, 0.0, prefect)
    loop.fresh(changed)
    start = time.monotonic()
    _finished(Command(changed)("retrain", seconds=LONGEST_S))
    return Loop(done, changed, time.monotonic() - start, prefect)


def _dvc(folder: Path, *words: str) -> None:
    environment = os.environ | {"DVC_NO_ANALYTICS": "true", "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-m", "dvc", *words], cwd=folder, env=environment, check=True, capture_output=True
    )


def _finished(command: Any) -> None:
    assert command.returncode in DONE, command.err


def retrain_again(loop: Loop, rlhf: Command, outcome: Outcome, since: float | None = None) -> Any:
    """The next `rlhf retrain`, and what must be true after it."""
    start = time.monotonic() if since is None else since
    again = rlhf("retrain", seconds=LONGEST_S)
    outcome.recovery_s = time.monotonic() - start
    outcome.expect(
        "I4",
        again.returncode in DONE,
        f"the next retraining ended with {again.returncode}: {again.err[-400:]}",
    )
    check_loop(loop, rlhf.folder, outcome)
    left = rlhf.left_behind()
    outcome.expect("I4", not left, f"processes left behind: {left}")
    return again


def check_loop(loop: Loop, folder: Path, outcome: Outcome) -> None:
    """All five invariants of a project that is up to date again."""
    check_rows(loop, folder, outcome)
    check_registry(folder, outcome)
    found, wanted = all_digests(folder), all_digests(loop.changed)
    other = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    # The report tells when it was made, and which version of the registry is in production.
    outcome.expect("I3", not other, f"not the same bits: {', '.join(other[:5])}")
    left = leftovers(folder)
    outcome.expect("I4", not left, f"left behind: {', '.join(left[:5])}")
    for prefect in (folder / ".rlhf/prefect", loop.prefect.home):
        check_runs(prefect, folder, outcome)


def check_rows(loop: Loop, folder: Path, outcome: Outcome) -> None:
    found, wanted = (store.read_accepted(each / "data/feedback")["digest"] for each in (folder, loop.done))
    outcome.expect("I1", found.n_unique() == len(found), "a row is there twice")
    outcome.expect("I1", set(wanted) <= set(found), "an accepted row is lost")


def check_registry(folder: Path, outcome: Outcome) -> None:
    """Every version that is registered has the files that were registered; aliases point at such ones."""
    from components.tracking.tracker import connect
    from components.tracking.versions import all_versions, current_version, is_sound

    with _no_server():
        tracker = connect(folder)
        for kind in ("sft", "reward", "candidate"):
            for version in all_versions(tracker, tracker.model(kind)):
                outcome.expect(
                    "I2", is_sound(tracker, version), f"{version.name} {version.version} is not whole"
                )
            outcome.expect("I2", current_version(tracker, kind) is not None, f"no current {kind}")


@contextmanager
def _no_server() -> Iterator[None]:
    """The embedded registry, whatever MLflow was connected to before."""
    before = os.environ.pop("MLFLOW_TRACKING_URI", None)
    try:
        yield
    finally:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


def check_runs(prefect: Path, folder: Path, outcome: Outcome) -> None:
    """No run of this project is still running at the server with its database in `prefect`; failed ones say why."""
    path = prefect / "prefect.db"
    if not path.exists():
        return
    with sqlite3.connect(path) as database:
        runs = list(database.execute(_RUNS, (f"%{folder.resolve()}%",)))
    for name, state, message in runs:
        outcome.expect("I5", state not in ("RUNNING", "PENDING"), f"run {name} is {state} for ever")
        failed = state in ("FAILED", "CRASHED")
        outcome.expect("I5", not failed or bool(message), f"run {name} is {state} without a reason")
