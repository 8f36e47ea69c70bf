"""What is done to the whole loop: killed, told to end, met by a second one, its files damaged."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.fault_injection.commands import Command
from benchmarks.fault_injection.disks import fill, read_only, small_disk
from benchmarks.fault_injection.flows import DONE, LONGEST_S, Loop, check_loop, check_rows, retrain_again
from benchmarks.fault_injection.outcome import Outcome
from components.feedback.simulator import write_feedback
from components.stages.ending import STOPPED

BUSY = 5
#: After a kill the guardian ends the others.
GONE_S = 60.0
#: A retraining asks for 200 MB at least.
DISK_BYTES, LEFT_BYTES = 400 << 20, 100 << 20


class FlowFaults:
    """Trials of `rlhf`, each in a project of its own below a folder."""

    def __init__(self, loop: Loop, dice: random.Random) -> None:
        self.loop = loop
        self.dice = dice

    def random_kills(self, home: Path, count: int) -> Iterator[Outcome]:
        """SIGKILL of `rlhf retrain` at a time drawn over all that it does."""
        for _ in range(count):
            # With Prefect's embedded server, which must end with it.
            rlhf = Command(self.loop.fresh(home / "trial"))
            after = self.dice.uniform(0.0, self.loop.seconds)
            outcome = Outcome(f"rlhf retrain after {after:.1f} s")
            process = rlhf.start("retrain", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _end_after(process, after, signal.SIGKILL)
            wait_until_gone(rlhf, outcome)
            retrain_again(self.loop, rlhf, outcome)
            yield outcome

    def told_to_end(self, home: Path, count: int) -> Iterator[Outcome]:
        """SIGTERM while `dpo` trains: exit status 75, a reason, and on from that step."""
        for _ in range(count):
            rlhf = self.loop.rlhf(home / "trial")
            outcome = Outcome("rlhf retrain told to end")
            process = rlhf.start("retrain")
            _read_until(process, "[dpo] 2/")
            start = time.monotonic()
            process.terminate()
            _, said = process.communicate(timeout=LONGEST_S)
            took = time.monotonic() - start
            outcome.expect("I5", process.returncode == STOPPED, f"it ended with {process.returncode}")
            outcome.expect(
                "I5", "goes on where it stopped" in said, f"it does not say that it goes on: {said[-300:]}"
            )
            outcome.expect("I4", took < 45, f"it took {took:.0f} s")
            again = retrain_again(self.loop, rlhf, outcome)
            outcome.expect("I3", "going on after step" in again.err, "the step it was at was lost")
            yield outcome

    def two_at_once(self, home: Path, count: int) -> Iterator[Outcome]:
        """Two retrainings: one trains, the other says BUSY and who."""
        for _ in range(count):
            rlhf = self.loop.rlhf(home / "trial")
            outcome = Outcome("two retrainings")
            both = [rlhf.start("retrain") for _ in range(2)]
            start = time.monotonic()
            said = [process.communicate(timeout=LONGEST_S)[1] for process in both]
            statuses = sorted(process.returncode for process in both)
            outcome.recovery_s = time.monotonic() - start
            good = statuses[1] == BUSY and statuses[0] in DONE
            outcome.expect("I5", good, f"they ended with {statuses}: {said}")
            outcome.expect(
                "I5", any("a retraining is running: process" in each for each in said), "nobody says who"
            )
            check_loop(self.loop, rlhf.folder, outcome)
            yield outcome

    def ten_ingestions(self, home: Path, count: int) -> Iterator[Outcome]:
        """Ten `rlhf ingest` of the same two files at once: each batch once, every row once."""
        for number in range(count):
            rlhf = self.loop.rlhf(home / "trial")
            outcome, start = Outcome("ten ingestions"), time.monotonic()
            files = write_feedback(home / f"files-{number}", 100 + number, 20, 10)
            ten = [rlhf.start("ingest", *files) for _ in range(10)]
            ends = [process.communicate(timeout=LONGEST_S) for process in ten]
            outcome.recovery_s = time.monotonic() - start
            accepted = sum(
                line.split(": ")[1].startswith("accepted") for out, _ in ends for line in _results(out)
            )
            outcome.expect("I1", accepted == len(files), f"{accepted} commits of {len(files)} batches")
            statuses = [process.returncode for process in ten]
            outcome.expect(
                "I5", statuses == [0] * 10, f"they ended with {statuses}: {[e[-200:] for _, e in ends]}"
            )
            check_rows(self.loop, rlhf.folder, outcome)
            yield outcome

    def killed_ingestions(self, home: Path, count: int) -> Iterator[Outcome]:
        """SIGKILL of `rlhf ingest` at a random time: the same file again, and its rows are there once."""
        for number in range(count):
            rlhf = self.loop.rlhf(home / "trial")
            files = write_feedback(home / f"killed-{number}", 200 + number, 40, 10)
            after = self.dice.uniform(0.0, self.loop.seconds / 2)
            outcome = Outcome(f"rlhf ingest after {after:.1f} s")
            process = rlhf.start("ingest", *files, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _end_after(process, after, signal.SIGKILL)
            wait_until_gone(rlhf, outcome)
            start = time.monotonic()
            again = rlhf("ingest", *files, seconds=LONGEST_S)
            outcome.recovery_s = time.monotonic() - start
            outcome.expect(
                "I4", again.returncode == 0, f"again it ended with {again.returncode}: {again.err[-300:]}"
            )
            check_rows(self.loop, rlhf.folder, outcome)
            yield outcome

    def without_disk(self, home: Path, count: int) -> Iterator[Outcome]:
        """A disk without room: refused before anything changes; with room it runs."""
        for _ in range(count):
            with small_disk(home / "disk", DISK_BYTES) as disk:
                rlhf = self.loop.rlhf(disk / "trial")
                outcome = Outcome("rlhf retrain on a full disk")
                filler = disk / "filler"
                fill(filler, disk, LEFT_BYTES)
                self._refused(rlhf, outcome, "MB of free space")
                filler.unlink()
                retrain_again(self.loop, rlhf, outcome)
                yield outcome

    def read_only(self, home: Path, count: int) -> Iterator[Outcome]:
        """A disk that may not be written to: refused before anything changes."""
        for _ in range(count):
            with small_disk(home / "disk", DISK_BYTES) as disk:
                rlhf = self.loop.rlhf(disk / "trial")
                outcome = Outcome("rlhf retrain on a read-only disk")
                with read_only(disk):
                    self._refused(rlhf, outcome, "may not be written to")
                retrain_again(self.loop, rlhf, outcome)
                yield outcome

    def _refused(self, rlhf: Command, outcome: Outcome, words: str) -> None:
        refused = rlhf("retrain", seconds=LONGEST_S)
        clear = refused.returncode == 1 and "error: " in refused.err and "remedy: " in refused.err
        outcome.expect(
            "I5", clear and words in refused.err, f"it ended with {refused.returncode}: {refused.err[-400:]}"
        )


def _results(out: str) -> list[str]:
    return [line for line in out.splitlines() if " read, " in line]


def _end_after(process: subprocess.Popen[str], seconds: float, number: signal.Signals) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, number)
        process.wait()


def wait_until_gone(rlhf: Command, outcome: Outcome) -> None:
    deadline = time.monotonic() + GONE_S
    while rlhf.left_behind() and time.monotonic() < deadline:
        time.sleep(0.1)
    outcome.expect("I4", not rlhf.left_behind(), f"still there after {GONE_S:.0f} s: {rlhf.left_behind()}")


def _read_until(process: subprocess.Popen[str], words: str) -> None:
    for line in process.stderr or ():
        if words in line:
            return
    raise AssertionError(f"{words} was never said")
