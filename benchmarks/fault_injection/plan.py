"""Which faults are tried, and how often."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks import ingest_faults
from benchmarks.fault_injection.controls import controls
from benchmarks.fault_injection.disks import may_mount
from benchmarks.fault_injection.flow_faults import FlowFaults
from benchmarks.fault_injection.flows import Loop, make_loop
from benchmarks.fault_injection.outcome import Fault, Outcome
from benchmarks.fault_injection.served_faults import ServedFaults
from benchmarks.fault_injection.server_faults import ServerFaults
from benchmarks.fault_injection.servers import free_port, prefect_server, running
from benchmarks.fault_injection.stage_faults import StageFaults
from benchmarks.fault_injection.stages import Bench

NO_MOUNT = "a tmpfs may not be mounted here (root only)"


@dataclass(frozen=True)
class Counts:
    """Trials of each kind.

    Attributes:
        points: named points in each stage; None: all. kills: at random times, of stages; flow_kills: of `rlhf retrain`.
        each: of the other faults of stages; ingestions: that are killed; loops: of those of the whole loop. What is 0
            is left out.
    """

    points: int | None
    kills: int
    each: int
    ingestions: int
    flow_kills: int
    loops: int


FULL = Counts(points=None, kills=200, each=10, ingestions=50, flow_kills=10, loops=3)
QUICK = Counts(points=2, kills=16, each=5, ingestions=10, flow_kills=1, loops=1)
#: Within a minute or so, for `make test`: stages alone.
SHORT = Counts(points=0, kills=3, each=1, ingestions=0, flow_kills=0, loops=0)


class Plan:
    """The faults, over one undisturbed run that all trials are held against.

    Args:
        held: what lasts as long as the suite.
    """

    def __init__(self, bench: Bench, home: Path, counts: Counts, seed: int, held: ExitStack) -> None:
        self.held = held
        self.bench = bench
        self.home = home
        self.counts = counts
        self.seed = seed

    def faults(self) -> list[Fault]:
        """Those of stages first: they need no servers."""
        return [*self._of_stages(), *self._of_ingestion(), *self._controls(), *self._of_loop()]

    def _of_stages(self) -> Iterator[Fault]:
        counts, no_mount = self.counts, "" if may_mount() else NO_MOUNT
        if counts.points != 0:
            yield self._stage("SIGKILL at named points", lambda on, at: on.named_kills(at, counts.points))
        yield self._stage("SIGKILL at random times", lambda on, at: on.random_kills(at, counts.kills))
        yield self._stage(
            "PPO killed at five steps", lambda on, at: on.ppo_killed_five_times(at, 1 + counts.each // 5)
        )
        yield self._stage("SIGTERM", lambda on, at: on.told_to_end(at, counts.each))
        yield self._stage("disk full", lambda on, at: on.without_disk(at, counts.each), no_mount)
        yield self._stage("disk read-only", lambda on, at: on.read_only(at, counts.each), no_mount)
        yield self._stage("checkpoint damaged", lambda on, at: on.damaged_checkpoints(at, counts.each))
        yield self._stage("clock stepped", lambda on, at: on.clock_stepped(at, counts.each))

    def _stage(
        self, name: str, trials: Callable[[StageFaults, Path], Iterator[Outcome]], cannot: str = ""
    ) -> Fault:
        on = StageFaults(self.bench, random.Random(f"{self.seed} {name}"))
        return Fault(f"stage: {name}", lambda home: trials(on, home), cannot=cannot)

    def _controls(self) -> Iterator[Fault]:
        on = StageFaults(self.bench, random.Random(self.seed))
        for name, trials in controls(on).items():
            yield Fault(f"control: {name}", trials, is_control=True)

    def _of_ingestion(self) -> Iterator[Fault]:
        if self.counts.ingestions:
            yield Fault("ingestion: SIGKILL at random times", self._ingestions_killed)
            yield Fault("ingestion: twenty at once", self._ingestions_meeting)
            yield Fault("ingestion: disk full", self._ingestion_without_disk)

    def _ingestions_killed(self, home: Path) -> Iterator[Outcome]:
        """Each is one of several: benchmarks/ingest_faults.py counts what it found over all."""
        yield from _counted(
            "killed", ingest_faults.kills(_own(home), self.counts.ingestions), self.counts.ingestions
        )

    def _ingestions_meeting(self, home: Path) -> Iterator[Outcome]:
        yield from _counted("met", ingest_faults.meeting(_own(home), 10), 1)

    def _ingestion_without_disk(self, home: Path) -> Iterator[Outcome]:
        yield from _counted("disk full", ingest_faults.full_disk(_own(home)), 1)

    def _of_loop(self) -> Iterator[Fault]:
        loops, no_mount = self.counts.loops, "" if may_mount() else NO_MOUNT
        if not loops:
            return
        yield self._flow(
            "SIGKILL at random times", lambda on, at: on.random_kills(at, self.counts.flow_kills)
        )
        yield self._flow("SIGTERM", lambda on, at: on.told_to_end(at, loops))
        yield Fault("loop: SIGTERM to all that is served", self._served_told_to_end)
        yield self._flow("two retrainings at once", lambda on, at: on.two_at_once(at, loops))
        yield self._flow("ten ingestions at once", lambda on, at: on.ten_ingestions(at, loops))
        yield self._flow("ingestion killed", lambda on, at: on.killed_ingestions(at, loops))
        yield self._flow("disk full", lambda on, at: on.without_disk(at, loops), no_mount)
        yield self._flow("disk read-only", lambda on, at: on.read_only(at, loops), no_mount)
        yield self._server("MLflow killed", lambda on, at: on.mlflow_killed(at, loops))
        yield self._server("MLflow hung", lambda on, at: on.mlflow_hung(at, loops))
        yield self._server("MLflow answers 500", lambda on, at: on.mlflow_500(at, loops))
        yield self._server("Prefect restarted", lambda on, at: on.prefect_restarted(at, loops))
        yield self._server("DVC remote gone", lambda on, at: on.remote_gone(at, loops))
        yield self._server("DVC remote corrupt", lambda on, at: on.remote_corrupt(at, loops))
        yield self._server("DVC cache corrupt", lambda on, at: on.cache_corrupt(at, loops))

    def _served_told_to_end(self, home: Path) -> Iterator[Outcome]:
        return ServedFaults(self._loop).told_to_end(home, self.counts.loops)

    def _flow(
        self, name: str, trials: Callable[[FlowFaults, Path], Iterator[Outcome]], cannot: str = ""
    ) -> Fault:
        dice = random.Random(f"{self.seed} {name}")
        return Fault(f"loop: {name}", lambda home: trials(FlowFaults(self._loop, dice), home), cannot=cannot)

    def _server(self, name: str, trials: Callable[[ServerFaults, Path], Iterator[Outcome]]) -> Fault:
        dice = random.Random(f"{self.seed} {name}")
        return Fault(f"loop: {name}", lambda home: trials(ServerFaults(self._loop, dice), home))

    @cached_property
    def _loop(self) -> Loop:
        """Made when the first fault of the loop is tried: it takes two retrainings."""
        server = self.held.enter_context(running(prefect_server(self.home / "prefect-server", free_port())))
        return make_loop(self.bench, self.home, server)


def _own(home: Path) -> Path:
    """A folder that nothing else is in."""
    folder = home / "ingestion"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _counted(trial: str, found: dict[str, object], count: int) -> Iterator[Outcome]:
    """As many outcomes as there were trials; what was violated stands in the first."""
    outcomes = [Outcome(trial) for _ in range(count)]
    for _ in range(int(str(found["violations"]))):
        outcomes[0].expect("I1", False, str(found))
    yield from outcomes
