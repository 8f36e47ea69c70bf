"""Controls: writers broken on purpose. A suite that does not find them out finds out nothing."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.fault_injection.outcome import Outcome
from benchmarks.fault_injection.stage_faults import STEP, StageFaults, _newest, _wait_for_step, bit_flipped
from benchmarks.fault_injection.stages import StageProcess, recover


def controls(faults: StageFaults) -> dict[str, Callable[[Path], Iterator[Outcome]]]:
    """Each broken writer, and the trials that must find it out."""
    return {
        "writes in place": lambda home: _killed_saving(faults, home),
        "believes any checkpoint": lambda home: _flipped(faults, home),
        "forgets the dice": lambda home: _forgetful(faults, home),
        "does not hear SIGTERM": lambda home: _deaf(faults, home),
        "sweeps nothing": lambda home: _slovenly(faults, home),
    }


def _killed_saving(faults: StageFaults, home: Path) -> Iterator[Outcome]:
    """Amid the model's files: the older ones are a mixture with the new."""
    folder = faults.bench.fresh("sft", home / "trial")
    outcome = Outcome("sft killed amid its output")
    broken = "writes in place"
    points = _points(faults, folder, broken)
    folder = faults.bench.fresh("sft", home / "trial")
    faults.bench.run("sft", folder, broken=broken, dies_at=points["open models/sft/tokenizer_config.json"])
    recover(faults.bench, "sft", folder, outcome, broken=broken)
    yield outcome


def _points(faults: StageFaults, folder: Path, broken: str) -> dict[str, int]:
    import json

    from benchmarks.fault_injection.hurts import CHANGES_FILE
    from benchmarks.fault_injection.steps import named

    faults.bench.run("sft", folder, broken=broken, tells_changes=True)
    return named(json.loads((folder / CHANGES_FILE).read_text()))


def _flipped(faults: StageFaults, home: Path) -> Iterator[Outcome]:
    yield _killed(faults, home, "believes any checkpoint", damage=bit_flipped)


def _forgetful(faults: StageFaults, home: Path) -> Iterator[Outcome]:
    yield _killed(faults, home, "forgets the dice")


def _killed(
    faults: StageFaults, home: Path, broken: str, damage: Callable[[Path], None] = lambda _: None
) -> Outcome:
    folder = faults.bench.fresh("ppo", home / "trial")
    outcome = Outcome(f"ppo killed, and {broken}")
    process = StageProcess(faults.bench.warm, "ppo", folder)
    _wait_for_step("ppo", folder, STEP)
    process.send(signal.SIGKILL)
    process.wait()
    damage(_newest("ppo", folder))
    recover(faults.bench, "ppo", folder, outcome, broken=broken)
    return outcome


def _deaf(faults: StageFaults, home: Path) -> Iterator[Outcome]:
    folder = faults.bench.fresh("dpo", home / "trial")
    process = StageProcess(faults.bench.warm, "dpo", folder, broken="does not hear SIGTERM")
    _wait_for_step("dpo", folder, STEP)
    yield faults._after_sigterm("dpo", folder, process)


def _slovenly(faults: StageFaults, home: Path) -> Iterator[Outcome]:
    folder = faults.bench.fresh("sft", home / "trial")
    outcome = Outcome("sft killed, and nothing is swept")
    points = _points(faults, folder, "")
    folder = faults.bench.fresh("sft", home / "trial")
    faults.bench.run("sft", folder, dies_at=points["open models/.sft.*.tmp/tokenizer_config.json"])
    recover(faults.bench, "sft", folder, outcome, broken="sweeps nothing")
    yield outcome
