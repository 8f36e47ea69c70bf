"""What happened in the quarter, as those who did it wrote it down: what the project's own records are held against."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Ledger:
    """Attributes:
    at_hand: batches that a retraining may learn from now.
    learned: by candidate, the batches that were at hand when it was made.
    acts: what changed the champion, as (promote or rollback, candidate).
    held, rejected: names of batches.
    """

    at_hand: set[str] = field(default_factory=set)
    learned: dict[str, set[str]] = field(default_factory=dict)
    acts: list[tuple[str, str]] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    withdrawn: set[str] = field(default_factory=set)
