"""How fast a stage goes, and how long it will still take."""

from __future__ import annotations

import time
from datetime import timedelta

from components.progress import Progress


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
