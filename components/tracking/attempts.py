"""Files in which a stage writes its steps (components/live.py), and what of them MLflow has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.files import read_json, write_json
from components.live import AT, attempts
from components.tracking.run_metrics import METRICS_AT_ONCE
from components.workspace import STATE

LIVE = STATE / "live"


@dataclass(frozen=True)
class Sent:
    """How far the steps of an attempt are in MLflow. Attributes: offset: in the file; step: the last one."""

    offset: int = 0
    step: int = 0


@dataclass(frozen=True)
class Step:
    """Attributes: at_ms: when it was done, since 1970; end: where it ends in the file."""

    number: int
    at_ms: int
    figures: dict[str, float]
    end: int


class Attempt:
    """The steps of a stage from its beginning, by however many processes.

    Attributes:
        name: no other attempt has it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stage = path.parent.name
        self.name = path.stem.partition("-")[2]
        self._note = path.with_suffix(".sent")
        self._reason = path.with_suffix(".reason")

    def sent(self) -> Sent:
        """What is noted of it; nothing, if that cannot be read: then all is sent again, which MLflow takes as done."""
        try:
            return Sent(**read_json(self._note))
        except (OSError, ValueError, TypeError):
            return Sent()

    def note(self, sent: Sent) -> None:
        write_json(self._note, asdict(sent))

    def note_reason(self, reason: str) -> None:
        """Why the stage ended badly: MLflow may be away."""
        write_json(self._reason, {"reason": reason, "size": self.path.stat().st_size})

    def reason(self) -> str | None:
        """Why it ended badly, if that is known; steps that came later tell that the stage went on since."""
        try:
            noted = read_json(self._reason)
            return str(noted["reason"]) if noted["size"] == self.path.stat().st_size else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def forget(self) -> None:
        for path in (self.path, self._note, self._reason):
            path.unlink(missing_ok=True)

    def batches(self) -> Iterator[tuple[list[Step], Sent]]:
        """The steps that wait, as many at once as MLflow takes, with what is to be noted when they are sent.

        A step that a resumed stage repeats is left out, and so is a line that a killed writer left torn.
        """
        sent, batch = self.sent(), list[Step]()
        for step in _steps(self.path, sent.offset):
            new = step.number > sent.step
            if new and sum(len(each.figures) for each in batch) + len(step.figures) > METRICS_AT_ONCE:
                yield batch, sent
                batch = []
            batch += [step] if new else []
            sent = Sent(step.end, max(step.number, sent.step))
        if batch:
            yield batch, sent


def newest(root: Path, stage: str) -> Attempt | None:
    found = attempts(root / LIVE / stage)
    return Attempt(found[-1]) if found else None


def all_attempts(root: Path, stage: str = "*") -> list[Attempt]:
    """Of one stage or of all, the oldest first."""
    return [Attempt(path) for folder in sorted((root / LIVE).glob(stage)) for path in attempts(folder)]


def _steps(path: Path, offset: int) -> Iterator[Step]:
    """Whole lines from here on; the last may still be written."""
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            offset += len(line)
            if line.endswith(b"\n") and (step := _step(line, offset)) is not None:
                yield step


def _step(line: bytes, end: int) -> Step | None:
    try:
        row: dict[str, Any] = json.loads(line)
        return Step(int(row.pop("step")), int(row.pop(AT)), _figures(row), end)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _figures(row: dict[str, Any]) -> dict[str, float]:
    """As the CSV of the steps has them: what was not measured is no figure."""
    return {name: float(value) for name, value in row.items() if value is not None}
