"""What became of one trial of a fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

#: What must hold whatever happens.
INVARIANTS = {
    "I1": "no accepted row is lost or doubled",
    "I2": "the registry never points at a partial model, nor at one with another digest",
    "I3": "a resumed run ends bit-identical to an uninterrupted one",
    "I4": "a restart needs no cleaning by hand",
    "I5": "every failed run ends in a final state with a reason",
}


@dataclass
class Outcome:
    """What a trial found.

    Attributes:
        trial: what was done, in words.
        violations: an invariant, and how it was violated.
        recovery_s: from the start of the next run until all is as if nothing had happened.
        steps_lost: training steps that had to be made again; None where none were being made.
    """

    trial: str
    violations: list[tuple[str, str]] = field(default_factory=list)
    recovery_s: float | None = None
    steps_lost: int | None = None

    def expect(self, invariant: str, holds: bool, otherwise: str) -> None:
        """Count a violation unless it holds."""
        if not holds:
            self.violations.append((invariant, otherwise))

    def counts(self) -> Counter[str]:
        return Counter(invariant for invariant, _ in self.violations)


@dataclass(frozen=True)
class Fault:
    """A fault and its trials.

    Attributes:
        name: as the table shows it.
        trials: makes them, one after the other, in a folder of its own.
        is_control: something is broken on purpose: the invariants must be seen violated.
        cannot: why it cannot be tried on this machine, or nothing.
    """

    name: str
    trials: Callable[[Path], Iterable[Outcome]]
    is_control: bool = False
    cannot: str = ""
