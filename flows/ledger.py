"""What the retrainings that a server starts write down: which batches they decided on, and that they are at work.

Apart from flows/restarts.py, which loads Prefect's runner: a retraining that a person gives writes here, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from prefect import runtime

from components.errors import BusyError, StoppedError
from components.files import write_json
from components.locks import exclusive
from components.workspace import STATE

LEDGER = STATE / "retraining.json"


@dataclass
class Ledger:
    """What is known of this workspace's deployed retrainings.

    Attributes:
        decided: the batches that a run has decided on, whatever it decided.
        at_work: id of the run that retrains, or was killed while it did; "" where none does.
        asked: what was asked for last, at `asked_at` (seconds since 1970).
    """

    decided: list[str] = field(default_factory=list)
    at_work: str = ""
    asked: list[str] = field(default_factory=list)
    asked_at: float = 0.0


@contextmanager
def ledger(root: Path) -> Iterator[Ledger]:
    """As it is on disk, alone; what the block changes is kept."""
    path = root / LEDGER
    with exclusive(path.with_suffix(".lock")):
        known = read_ledger(root)
        yield known
        write_json(path, asdict(known))


def read_ledger(root: Path) -> Ledger:
    try:
        return Ledger(**json.loads((root / LEDGER).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return Ledger()


def decided_on(root: Path, seen: set[str]) -> None:
    """A run has looked at these batches, and people are told what came of it."""
    with ledger(root) as known:
        known.decided = sorted(seen)


@contextmanager
def at_work(root: Path, seen: set[str]) -> Iterator[None]:
    """This run retrains on these batches in the block; killed there, it is started again."""
    run = str(runtime.flow_run.id or "")
    with ledger(root) as known:
        before, known.at_work = known.at_work, run
    try:
        yield
    except BusyError:
        # Another one is: should it be killed, it is still known.
        _over(root, run, before)
        raise
    except StoppedError:
        raise
    except Exception:
        # Told to people, who know better than a clock whether to try the same again.
        decided_on(root, seen)
        _over(root, run)
        raise
    decided_on(root, seen)
    _over(root, run)


def finished(root: Path, begun: str) -> None:
    """A retraining ended well, whoever gave it: nothing is left of one that was killed.

    Args:
        begun: the run that the ledger named when this one had the workspace for itself; one that began later stays.
    """
    if begun:
        _over(root, begun)


def _over(root: Path, run: str, instead: str = "") -> None:
    """`run` is no longer at work, but `instead`; not where another one is by now."""
    with ledger(root) as known:
        if known.at_work == run:
            known.at_work = instead
