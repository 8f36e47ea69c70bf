"""Keeps the version in memory that the registry means now."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from components.errors import RlhfError
from components.serving.version import ServedVersion, load_served
from components.tracking.loading import number_of
from components.tracking.tracker import Tracker


class Keeper:
    """Of "champion" or "candidate" the version that is it: looked up between answers, loaded anew when another is.

    A version that cannot be loaded, or a registry that does not answer, leaves the one in memory in its place.
    """

    def __init__(
        self,
        tracker: Tracker,
        kind: str,
        *,
        scores: bool,
        look_s: float,
        warn: Callable[[str], object],
    ) -> None:
        """Args: look_s: seconds between two looks; warn: is told why an old version stays."""
        self.kind = kind
        self._tracker, self._scores, self._look_s, self._warn = tracker, scores, look_s, warn
        self._kept: ServedVersion | None = None
        self._looked = -math.inf

    def current(self) -> ServedVersion:
        """The version to answer with now. By one thread at a time.

        Raises:
            RegistryError: there is none, or MLflow cannot be reached; ModelError: its files are damaged.
        """
        if self._kept is None:
            self._kept = self._load()
        elif time.monotonic() - self._looked >= self._look_s:
            self._kept = self._renewed(self._kept)
        return self._kept

    def _load(self) -> ServedVersion:
        self._looked = time.monotonic()
        return load_served(self._tracker, self.kind, scores=self._scores)

    def _renewed(self, kept: ServedVersion) -> ServedVersion:
        self._looked = time.monotonic()
        try:
            number = number_of(self._tracker, self.kind)
            return kept if number in (None, kept.number) else self._load()
        except RlhfError as error:
            self._warn(f"{kept.label} goes on to answer: {error.message}")
            return kept
