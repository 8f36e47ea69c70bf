"""What is done to a retraining that a server has started: it and `rlhf serve` are told to end together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.fault_injection.commands import Command
from benchmarks.fault_injection.flow_faults import wait_until_gone
from benchmarks.fault_injection.flows import LONGEST_S, Loop, retrain_again
from benchmarks.fault_injection.outcome import Outcome
from benchmarks.fault_injection.small_project import change_params
from components.config import load_params
from flows.project import project_tag

#: Nothing but the retraining is to run meanwhile.
QUIET = {"schedule": {"inbox_seconds": 3600, "reconcile_seconds": 3600}, "checkpoints": {"seconds": 3600}}
#: Of the training, before it is told to end; it makes more than these.
STEPS = 2


class ServedFaults:
    """Trials of `rlhf serve`, each in a project of its own below a folder."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop

    def told_to_end(self, home: Path, count: int) -> Iterator[Outcome]:
        """SIGTERM to all of them, as `rlhf down` sends it, while `dpo` trains: on from that step."""
        # The server takes no second project of one name: copies of this one bear its mark.
        project_tag(self.loop.done)
        for _ in range(count):
            rlhf = self.loop.rlhf(home / "trial", PREFECT_RUNNER_POLL_FREQUENCY="1")
            change_params(rlhf.folder, QUIET)
            yield self._told_to_end(rlhf)

    def _told_to_end(self, rlhf: Command) -> Outcome:
        outcome = Outcome("a served retraining told to end")
        serve = rlhf.start("serve", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self._start_retraining(rlhf.folder)
            _wait_for_steps(rlhf.folder, "dpo")
        finally:
            start = time.monotonic()
            os.killpg(serve.pid, signal.SIGTERM)
            serve.wait(LONGEST_S)
        wait_until_gone(rlhf, outcome)
        took = time.monotonic() - start
        outcome.expect("I4", took < 45, f"it took {took:.0f} s")
        again = retrain_again(self.loop, rlhf, outcome)
        outcome.expect("I3", "going on after step" in again.err, "the step it was at was lost")
        return outcome

    def _start_retraining(self, folder: Path) -> None:
        name, deadline = load_params(folder / "params.yaml").registry.name, time.monotonic() + LONGEST_S
        while (deployment := self._ask(f"deployments/name/retrain/{name}")) is None:
            assert time.monotonic() < deadline, "`rlhf serve` does not serve"
            time.sleep(0.5)
        wanted = {"parameters": {"only_if_due": False}, "state": {"type": "SCHEDULED"}}
        self._ask(f"deployments/{deployment['id']}/create_flow_run", wanted)

    def _ask(self, path: str, content: dict[str, Any] | None = None) -> Any:
        """What Prefect's API answers, asked again while its database is locked, as Prefect's client does; None: 404."""
        body = None if content is None else json.dumps(content).encode()
        url, headers = f"{self.loop.prefect.url}/api/{path}", {"Content-Type": "application/json"}
        deadline = time.monotonic() + LONGEST_S
        while True:
            try:
                with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:  # noqa: S310
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return None
                if error.code != 503 or time.monotonic() > deadline:
                    raise
            time.sleep(1)


def _wait_for_steps(folder: Path, stage: str) -> None:
    """Until it has told of some, live."""
    deadline = time.monotonic() + LONGEST_S
    while _steps_told(folder / ".rlhf/live" / stage) < STEPS:
        assert time.monotonic() < deadline, f"{stage} does not train"
        time.sleep(0.02)


def _steps_told(home: Path) -> int:
    return max((path.read_bytes().count(b"\n") for path in home.glob("*")), default=0)
