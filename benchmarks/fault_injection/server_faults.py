"""What is done to what the loop talks to: MLflow, Prefect, DVC's remote and cache."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from benchmarks.fault_injection.commands import Command
from benchmarks.fault_injection.flow_faults import _read_until
from benchmarks.fault_injection.flows import DONE, LONGEST_S, Loop, check_runs, retrain_again
from benchmarks.fault_injection.outcome import Outcome
from benchmarks.fault_injection.servers import (
    Server,
    answering_500,
    free_port,
    mlflow_server,
    prefect_server,
    running,
)
from components.feedback.simulator import write_feedback
from components.tracking import dvc_cache

#: Until a retraining gives up on a registry, at most: a minute a request, tried four times, and the rest.
BOUND_S = 420.0
#: How long Prefect's server stays away.
AWAY_S = 5.0


class ServerFaults:
    """Trials of `rlhf` beside servers, each in a project of its own below a folder."""

    def __init__(self, loop: Loop, dice: random.Random) -> None:
        self.loop = loop
        self.dice = dice

    def mlflow_killed(self, home: Path, count: int) -> Iterator[Outcome]:
        """The registry dies when there is something to register, and comes back for the next retraining."""
        for _ in range(count):
            yield self._mlflow_away(home, "killed", Server.kill, Server.start)

    def mlflow_hung(self, home: Path, count: int) -> Iterator[Outcome]:
        """It stops answering (SIGSTOP)."""
        for _ in range(count):
            yield self._mlflow_away(
                home,
                "hung",
                lambda server: server.send(signal.SIGSTOP),
                lambda server: server.send(signal.SIGCONT),
            )

    def _mlflow_away(
        self, home: Path, how: str, leave: Callable[[Server], None], come_back: Callable[[Server], None]
    ) -> Outcome:
        outcome = Outcome(f"MLflow {how}")
        shutil.rmtree(home / "mlflow", ignore_errors=True)
        with running(mlflow_server(home / "mlflow", free_port())) as server:
            rlhf = self.loop.rlhf(home / "trial", MLFLOW_TRACKING_URI=server.url)
            process = rlhf.start("retrain")
            _read_until(process, "evaluate: ran")
            leave(server)
            self._gives_up(process, outcome)
            come_back(server)
            self._registers(rlhf, outcome)
        return outcome

    def mlflow_500(self, home: Path, count: int) -> Iterator[Outcome]:
        """It answers everything with an error."""
        for _ in range(count):
            outcome, port = Outcome("MLflow answers 500"), free_port()
            shutil.rmtree(home / "mlflow", ignore_errors=True)
            server = mlflow_server(home / "mlflow", port)
            rlhf = self.loop.rlhf(home / "trial", MLFLOW_TRACKING_URI=server.url)
            with answering_500(port):
                self._gives_up(rlhf.start("retrain"), outcome)
            with running(server):
                self._registers(rlhf, outcome)
            yield outcome

    def _gives_up(self, process: subprocess.Popen[str], outcome: Outcome) -> None:
        start = time.monotonic()
        _, said = process.communicate(timeout=LONGEST_S)
        took = time.monotonic() - start
        clear = process.returncode == 1 and "error: MLflow" in said and "what was done before is kept" in said
        outcome.expect("I5", clear, f"it ended with {process.returncode}: {said[-400:]}")
        outcome.expect("I5", took < BOUND_S, f"it gave up after {took:.0f} s")

    def _registers(self, rlhf: Command, outcome: Outcome) -> None:
        again = retrain_again(self.loop, rlhf, outcome)
        outcome.expect("I4", "dpo: ran" not in again.err, "a stage ran again for the registry")
        verified = rlhf("verify", seconds=LONGEST_S)
        outcome.expect(
            "I2", verified.returncode == 0, f"rlhf verify: {verified.out[-300:]}{verified.err[-300:]}"
        )

    def prefect_restarted(self, home: Path, count: int) -> Iterator[Outcome]:
        """Killed while `dpo` trains, and there again seconds later: the run goes on or the next one resumes."""
        for _ in range(count):
            outcome = Outcome("Prefect restarted")
            shutil.rmtree(home / "prefect", ignore_errors=True)
            with running(prefect_server(home / "prefect", free_port())) as server:
                rlhf = self.loop.rlhf(home / "trial", PREFECT_API_URL=f"{server.url}/api")
                process = rlhf.start("retrain")
                _read_until(process, "[dpo] 1/")
                start = time.monotonic()
                server.kill()
                back = threading.Timer(AWAY_S, server.start)
                back.start()
                _, said = process.communicate(timeout=LONGEST_S)
                back.join()
                outcome.expect(
                    "I5", process.returncode in DONE, f"it ended with {process.returncode}: {said[-400:]}"
                )
                retrain_again(self.loop, rlhf, outcome, since=start)
                check_runs(home / "prefect", rlhf.folder, outcome)
            yield outcome

    def remote_gone(self, home: Path, count: int) -> Iterator[Outcome]:
        """Ingestion while the remote is away keeps the commit here and says so; the next one brings it there."""
        for number in range(count):
            outcome = Outcome("DVC remote gone")
            rlhf = self.loop.rlhf(home / "trial")
            remote = rlhf.folder / ".rlhf/dvc-remote"
            shutil.rmtree(remote, ignore_errors=True)
            remote.write_text("not a folder")
            files = write_feedback(home / f"gone-{number}", 300 + number, 20, 10)
            first = rlhf("ingest", *files, seconds=LONGEST_S)
            said = " ".join(first.err.split())
            outcome.expect(
                "I1", first.returncode == 0, f"it ended with {first.returncode}: {first.err[-300:]}"
            )
            outcome.expect("I5", "the DVC remote did not take it" in said, f"it says nothing: {said[-300:]}")
            remote.unlink()
            start = time.monotonic()
            again = rlhf("ingest", *files, seconds=LONGEST_S)
            outcome.recovery_s = time.monotonic() - start
            outcome.expect(
                "I4", again.returncode == 0 and _holds(remote, rlhf.folder), "the remote has not got it"
            )
            yield outcome

    def remote_corrupt(self, home: Path, count: int) -> Iterator[Outcome]:
        """A clone fetches feedback of which the remote has a damaged file: refused, and no model learns from it."""
        for number in range(count):
            outcome = Outcome("DVC remote corrupt")
            rlhf = self.loop.rlhf(home / "trial")
            files = write_feedback(home / f"corrupt-{number}", 400 + number, 20, 10)
            assert rlhf("ingest", *files, seconds=LONGEST_S).returncode == 0
            shutil.rmtree(rlhf.folder / "data/feedback")
            shutil.rmtree(rlhf.folder / ".dvc/cache")
            sound = shutil.copytree(rlhf.folder / ".rlhf/dvc-remote", home / f"sound-{number}")
            for path in (rlhf.folder / ".rlhf/dvc-remote").rglob("*"):
                if path.is_file() and path.read_bytes().startswith(b"PAR1"):
                    _flip(path)
            refused = rlhf("retrain", seconds=LONGEST_S)
            # DVC itself may have looked at what it fetched.
            told = any(words in refused.err for words in ("is damaged", "cannot be fetched"))
            clear = refused.returncode == 1 and told
            outcome.expect("I1", clear, f"it ended with {refused.returncode}: {refused.err[-400:]}")
            outcome.expect("I1", not (rlhf.folder / "data/feedback").exists(), "damaged feedback was kept")
            shutil.rmtree(rlhf.folder / ".rlhf/dvc-remote")
            shutil.copytree(sound, rlhf.folder / ".rlhf/dvc-remote")
            start = time.monotonic()
            again = rlhf("retrain", seconds=LONGEST_S)
            outcome.recovery_s = time.monotonic() - start
            outcome.expect(
                "I4", again.returncode in DONE, f"again it ended with {again.returncode}: {again.err[-300:]}"
            )
            yield outcome

    def cache_corrupt(self, home: Path, count: int) -> Iterator[Outcome]:
        """A flipped bit of the SFT model in DVC's cache, from which it is restored: found out, and trained anew."""
        for _ in range(count):
            outcome = Outcome("DVC cache corrupt")
            rlhf = self.loop.rlhf(home / "trial")
            _flip(_cached(rlhf.folder, "sft", "models/sft", "model.safetensors"))
            shutil.rmtree(rlhf.folder / "models/sft")
            again = retrain_again(self.loop, rlhf, outcome)
            outcome.expect("I5", "not what sft wrote" in again.err, "nobody is told of it")
            yield outcome


def _flip(path: Path) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[-len(content) // 3] ^= 1
    # Another inode: a hard link's other name stays what it was.
    path.unlink()
    path.write_bytes(content)
    path.chmod(0o444)


def _cached(folder: Path, stage: str, out: str, name: str) -> Path:
    locked = yaml.safe_load((folder / "dvc.lock").read_text())["stages"][stage]["outs"]
    md5 = next(each["md5"] for each in locked if each["path"] == out)
    return dvc_cache.cached(folder, (dvc_cache.listing(folder, md5) or {})[name])


def _holds(remote: Path, folder: Path) -> bool:
    """Whether the remote has the feedback as it is now."""
    (tracked,) = yaml.safe_load((folder / "data/feedback.dvc").read_text())["outs"]
    return any(path.name == tracked["md5"][2:] for path in remote.rglob("*.dir"))
