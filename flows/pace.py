"""How fast a stage or the reading of a file goes, and how long it will still take."""

from __future__ import annotations

import time
from datetime import timedelta

from components.progress import Progress
from flows.terminal import note

#: Between two lines that tell how far the reading of a large file is.
TELL_S = 5.0


class Pace:
    """Measured since this process first heard of the stage: one that resumes has not done the steps before."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None

    def words(self, progress: Progress) -> str:
        """Such as "0.52 steps/s, 0:01:20 left"; nothing as long as that cannot be told."""
        now = time.monotonic()
        step, since = self._first = self._first or (progress.step, now)
        if progress.step <= step or now <= since:
            return ""
        rate = (progress.step - step) / (now - since)
        left = timedelta(seconds=round((progress.total - progress.step) / rate))
        return f"{rate:.3g} steps/s, {left} left"


class Reading:
    """Tells how far the reading of a large file is, every few seconds."""

    def __init__(self) -> None:
        self._began = self._told = time.monotonic()

    def tell(self, rows: int, share: float | None) -> None:
        """Args: share: of the file's bytes that are read; None where nobody can tell."""
        now = time.monotonic()
        if now - self._told > TELL_S:
            self._told = now
            note(_reading(rows, share, now - self._began))


def _reading(rows: int, share: float | None, seconds: float) -> str:
    """Such as "120,000 rows read, 40 % of the file (38,000 rows/s, 0:00:05 left)"."""
    read, pace = f"{rows:,} rows read", f"{rows / seconds:,.0f} rows/s"
    if not share:
        return f"{read} ({pace})"
    left = timedelta(seconds=round(seconds / share - seconds))
    return f"{read}, {share:.0%} of the file ({pace}, {left} left)".replace("%", " %")
