"""What the board shows, as JSON-ready values, looked at again when it has become old."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.collecting.progress import status_of
from components.collecting.store import DATABASE, Store
from components.config import load_params
from components.errors import RlhfError
from components.files import sha256_bytes
from components.tracking.champion_figures import production_versions
from flows.health.waiting import waits
from flows.overview import overview
from flows.terminal import note

#: Seconds after which somebody who asks sets off another look: a look costs seconds of a core.
OLD_S = 15.0


def look_at_loop(root: Path, known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Batches, stages, runs, candidate, champion, what waits for whom, judging, and figures over versions.

    Args:
        known: figures of versions that were read before (components/tracking/champion_figures.py).

    Raises:
        RlhfError: MLflow cannot be reached, or params.yaml is no such file.
    """
    params = load_params(root / "params.yaml")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "project": params.registry.name,
        **overview(root),
        "waits": waits(root),
        "judging": _judging(root, params.collect.votes),
        "versions": production_versions(root, known),
    }


def _judging(root: Path, votes: int) -> dict[str, Any] | None:
    """How far people are with their pairs; None where nobody was ever asked."""
    if not (root / DATABASE).exists():
        return None
    seen = status_of(Store(root / DATABASE), votes)
    return {name: seen[name] for name in ("pairs", "complete_pairs", "judgements", "to_export", "votes")} | {
        "people": len(seen["annotators"])
    }


@dataclass
class Look:
    """The last look, shared by all who ask.

    Attributes:
        seen: None until the first look went well; fault: why the last one did not, with its remedy.
    """

    root: Path
    seen: dict[str, Any] | None = None
    fault: tuple[str, str] | None = None
    _known: dict[str, dict[str, Any]] = field(default_factory=dict)
    _ended: float = -OLD_S
    _looking: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> Look:
        """This, not older than OLD_S, or while somebody else looks; the first to ask waits for what they see."""
        if self.seen is None and self.fault is None:
            with self._looking:
                self._unless_young()
        elif self._looking.acquire(blocking=False):
            try:
                self._unless_young()
            finally:
                self._looking.release()
        return self

    def _unless_young(self) -> None:
        if time.monotonic() - self._ended < OLD_S:
            return
        try:
            self.seen, self.fault = look_at_loop(self.root, self._known), None
        except RlhfError as error:
            self.fault = (error.message, error.remedy)
        except Exception as error:
            # A file that changed while it was read, perhaps: the next look may go well, and this page stays up.
            self.fault = (f"{type(error).__name__}: {error}", "`rlhf doctor` looks for what is wrong")
            note(f"a look failed: {self.fault[0]}", "red")
        self._ended = time.monotonic()

    def mark(self) -> str:
        """Another one when there is something new to see, whatever the time of the look."""
        told = {name: value for name, value in (self.seen or {}).items() if name != "at"}
        return sha256_bytes(json.dumps([told, self.fault], sort_keys=True).encode("utf-8"))
