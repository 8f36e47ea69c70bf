"""What is done to single stages: killed, told to end, without disk, with damaged checkpoints, with another clock."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.fault_injection.disks import fill, read_only, small_disk
from benchmarks.fault_injection.hurts import CHANGES_FILE
from benchmarks.fault_injection.outcome import Outcome
from benchmarks.fault_injection.stages import (
    KILLED,
    LONGEST_S,
    SAID,
    Bench,
    StageProcess,
    check_old_or_new,
    recover,
)
from benchmarks.fault_injection.steps import named
from benchmarks.fault_injection.warm import STAGES, TRAINING
from components.stages.ending import STOPPED

#: Stages are hurt while they train from this step on.
STEP = 2
HOUR_S = 3600.0
DISK_BYTES = 64 << 20
#: What is left of a full disk, at most.
LEFT_BYTES = 64 << 10


class StageFaults:
    """Trials of single stages, each in a workspace of its own below a folder."""

    def __init__(self, bench: Bench, dice: random.Random) -> None:
        self.bench = bench
        self.dice = dice

    def named_kills(self, home: Path, each: int | None) -> Iterator[Outcome]:
        """SIGKILL before each kind of change to the disk, in every stage; or before `each` of them, drawn."""
        for stage in STAGES:
            points = self._points(stage, home)
            names = list(points) if each is None else self.dice.sample(list(points), min(each, len(points)))
            for name in names:
                folder = self.bench.fresh(stage, home / "trial")
                outcome = Outcome(f"{stage}, before {name}")
                status = self.bench.run(stage, folder, dies_at=points[name])
                outcome.expect("I5", status == KILLED, f"it was to die there, and ended with {status}")
                recover(self.bench, stage, folder, outcome)
                yield outcome

    def _points(self, stage: str, home: Path) -> dict[str, int]:
        folder = self.bench.fresh(stage, home / "trial")
        assert self.bench.run(stage, folder, tells_changes=True) == 0, (folder / SAID).read_text()
        return named(json.loads((folder / CHANGES_FILE).read_text()))

    def random_kills(self, home: Path, count: int) -> Iterator[Outcome]:
        """SIGKILL at times drawn over the whole graph: a stage that takes longer is killed more often."""
        seconds = self.bench.seconds
        stages = self.dice.choices(list(seconds), weights=list(seconds.values()), k=count)
        for stage in stages:
            folder = self.bench.fresh(stage, home / "trial")
            yield self._killed_at(stage, folder, self.dice.uniform(0.0, seconds[stage]))

    def ppo_killed_five_times(self, home: Path, count: int) -> Iterator[Outcome]:
        """One PPO run, killed at five random steps one after the other, and then left alone."""
        for _ in range(count):
            folder = self.bench.fresh("ppo", home / "trial")
            outcome = Outcome("ppo killed five times")
            for _ in range(5):
                process = StageProcess(self.bench.warm, "ppo", folder)
                process.ends_within(self.dice.uniform(0.3, 0.8) * self.bench.seconds["ppo"] / 2)
                process.send(signal.SIGKILL)
                process.wait()
                check_old_or_new(self.bench, "ppo", folder, outcome)
            recover(self.bench, "ppo", folder, outcome)
            yield outcome

    def _killed_at(self, stage: str, folder: Path, seconds: float) -> Outcome:
        outcome = Outcome(f"{stage} after {seconds:.2f} s")
        process = StageProcess(self.bench.warm, stage, folder)
        process.ends_within(seconds)
        process.send(signal.SIGKILL)
        status = process.wait()
        outcome.expect("I5", status in (0, KILLED), f"it ended with {status}")
        recover(self.bench, stage, folder, outcome)
        return outcome

    def told_to_end(self, home: Path, count: int) -> Iterator[Outcome]:
        """SIGTERM amid the steps: a checkpoint within 30 s, exit status 75, and on from there."""
        for number in range(count):
            stage = TRAINING[number % len(TRAINING)]
            folder = self.bench.fresh(stage, home / "trial")
            process = StageProcess(self.bench.warm, stage, folder)
            _wait_for_step(stage, folder, STEP)
            yield self._after_sigterm(stage, folder, process)

    def _after_sigterm(self, stage: str, folder: Path, process: StageProcess) -> Outcome:
        outcome, start = Outcome(f"{stage} told to end"), time.monotonic()
        process.send(signal.SIGTERM)
        status, took = process.wait(), time.monotonic() - start
        said = (folder / SAID).read_text()
        outcome.expect("I5", status == STOPPED, f"it ended with {status}, not {STOPPED}")
        outcome.expect("I5", "stopped: told to end after step" in said, "it does not say where it stopped")
        outcome.expect("I4", took < 30, f"it took {took:.1f} s")
        recover(self.bench, stage, folder, outcome)
        outcome.expect("I3", outcome.steps_lost == 0, f"{outcome.steps_lost} steps were made again")
        return outcome

    def without_disk(self, home: Path, count: int) -> Iterator[Outcome]:
        """A disk (tmpfs) that is full amid the stage: the error says so; with room again all is well."""
        for number in range(count):
            stage = STAGES[number % len(STAGES)]
            with small_disk(home / "disk", DISK_BYTES) as disk:
                folder = self.bench.fresh(stage, disk / "trial")
                outcome = Outcome(f"{stage} on a full disk")
                filler = disk / "filler"
                fill(filler, disk, self.dice.randrange(LEFT_BYTES))
                self._refused(stage, folder, outcome, "No space left on device", may_succeed=True)
                filler.unlink()
                recover(self.bench, stage, folder, outcome)
                yield outcome

    def read_only(self, home: Path, count: int) -> Iterator[Outcome]:
        """A disk that may not be written to: the error says so, nothing changes."""
        for number in range(count):
            stage = STAGES[number % len(STAGES)]
            with small_disk(home / "disk", DISK_BYTES) as disk:
                folder = self.bench.fresh(stage, disk / "trial")
                (folder / SAID).touch()
                outcome = Outcome(f"{stage} on a read-only disk")
                with read_only(disk):
                    self._refused(stage, folder, outcome, "Read-only file system", may_succeed=False)
                recover(self.bench, stage, folder, outcome)
                yield outcome

    def _refused(self, stage: str, folder: Path, outcome: Outcome, words: str, *, may_succeed: bool) -> None:
        # What it says goes elsewhere: this disk takes nothing.
        said = folder.parents[1] / SAID
        said.unlink(missing_ok=True)
        status = StageProcess(self.bench.warm, stage, folder, said=said).wait()
        text = said.read_text()
        if status == 0 and may_succeed:
            return
        told = text.strip().splitlines()[-2:]
        clear = len(told) == 2 and told[0].startswith("error: ") and told[1].startswith("remedy: ")
        outcome.expect(
            "I5", status == 1 and clear and words in told[0], f"it ended with {status}: {text[-300:]}"
        )

    def damaged_checkpoints(self, home: Path, count: int) -> Iterator[Outcome]:
        """The newest checkpoint cut, with a flipped bit, of junk, or without a file: the one before is taken."""
        for number in range(count):
            stage = TRAINING[number % len(TRAINING)]
            damage = DAMAGES[number % len(DAMAGES)]
            folder = self.bench.fresh(stage, home / "trial")
            outcome = Outcome(f"{stage}: {damage.__name__}")
            process = StageProcess(self.bench.warm, stage, folder)
            _wait_for_step(stage, folder, STEP + 1)
            process.send(signal.SIGKILL)
            process.wait()
            damage(_newest(stage, folder))
            recover(self.bench, stage, folder, outcome)
            said = (folder / SAID).read_text()
            outcome.expect("I5", "is damaged" in said, "nobody is told that it is damaged")
            yield outcome

    def clock_stepped(self, home: Path, count: int) -> Iterator[Outcome]:
        """Killed, then gone on with under a clock that is a day behind or before."""
        for number in range(count):
            stage = TRAINING[number % len(TRAINING)]
            off = (-24 * HOUR_S, 24 * HOUR_S)[number // len(TRAINING) % 2]
            folder = self.bench.fresh(stage, home / "trial")
            outcome = Outcome(f"{stage}, clock {off / HOUR_S:+.0f} h")
            process = StageProcess(self.bench.warm, stage, folder)
            _wait_for_step(stage, folder, STEP)
            process.send(signal.SIGKILL)
            process.wait()
            recover(self.bench, stage, folder, outcome, clock=off)
            yield outcome


def _wait_for_step(stage: str, folder: Path, step: int) -> None:
    """Return as soon as the stage has told of a step, or of a later one, and has kept it."""
    deadline = time.monotonic() + LONGEST_S
    while not any(number >= step for number, _ in _checkpoints(stage, folder)):
        assert time.monotonic() < deadline, f"{stage} made no checkpoint: {(folder / SAID).read_text()}"
        time.sleep(0.005)


def _newest(stage: str, folder: Path) -> Path:
    return max(_checkpoints(stage, folder), key=lambda found: (str(found[1].parent), found[0]))[1]


def _checkpoints(stage: str, folder: Path) -> list[tuple[int, Path]]:
    home = folder / ".rlhf/checkpoints" / stage
    # os.walk passes over one that got its name while this looked.
    paths = [Path(parent, name) for parent, names, _ in os.walk(home) for name in names]
    return [(int(path.name[5:]), path) for path in paths if re.fullmatch(r"step-\d+", path.name)]


def cut(checkpoint: Path) -> None:
    path = checkpoint / "tensors.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def bit_flipped(checkpoint: Path) -> None:
    path = checkpoint / "tensors.safetensors"
    content = bytearray(path.read_bytes())
    content[-len(content) // 4] ^= 1
    path.write_bytes(content)


def junk(checkpoint: Path) -> None:
    (checkpoint / "facts.json").write_bytes(b"\xff{{not json")


def file_missing(checkpoint: Path) -> None:
    (checkpoint / "tensors.safetensors").unlink()


DAMAGES = (cut, bit_flipped, junk, file_missing)
